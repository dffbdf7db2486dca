package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// image writes a container image of cmh for every Linux there is, as a tar in
// the layout of OCI: `podman load`, `docker load` and `skopeo copy` take it. It
// holds the programs and nothing else.
func (r *release) image(all []made) error {
	blobs := map[string][]byte{}
	keep := func(mediaType string, b []byte) descriptor {
		blobs["blobs/sha256/"+sum(b)] = b
		return descriptor{MediaType: mediaType, Digest: "sha256:" + sum(b), Size: len(b)}
	}
	var manifests []descriptor
	for _, m := range all {
		if m.os != "linux" {
			continue
		}
		d, err := r.manifest(m, keep)
		if err != nil {
			return err
		}
		d.Platform = map[string]string{"os": m.os, "architecture": m.arch}
		manifests = append(manifests, d)
	}
	if manifests == nil {
		return nil
	}
	const indexType = "application/vnd.oci.image.index.v1+json"
	b, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": manifests})
	if err != nil {
		return err
	}
	index := keep(indexType, b)
	index.Annotations = map[string]string{
		"org.opencontainers.image.ref.name": r.plain(), "io.containerd.image.name": "docker.io/cloudmastershub/cmh:" + tag(r.plain()),
	}
	if b, err = json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": []descriptor{index}}); err != nil {
		return err
	}
	blobs["index.json"] = b
	blobs["oci-layout"] = []byte(`{"imageLayoutVersion":"1.0.0"}`)
	files := make([]file, 0, len(blobs))
	for _, name := range sorted(blobs) {
		files = append(files, file{name, 0o644, blobs[name]})
	}
	var t bytes.Buffer
	if err := r.tar(&t, "", files); err != nil {
		return err
	}
	return r.write("cmh_"+r.plain()+"_image.tar", t.Bytes())
}

func (r *release) manifest(m made, keep func(string, []byte) descriptor) (descriptor, error) {
	programs := slices.DeleteFunc(slices.Clone(m.files), func(f file) bool { return strings.Contains(f.name, "/") || f.mode&0o111 == 0 })
	var plain, layer bytes.Buffer
	if err := r.tar(&plain, "usr/bin/", programs); err != nil {
		return descriptor{}, err
	}
	if err := r.tarGz(&layer, "usr/bin/", programs); err != nil {
		return descriptor{}, err
	}
	config, err := json.Marshal(map[string]any{
		"created": r.date.Format(time.RFC3339), "os": m.os, "architecture": m.arch,
		"config": map[string]any{
			"Entrypoint": []string{"/usr/bin/cmh"}, "User": "65532:65532", "WorkingDir": "/",
			"Env":    []string{"PATH=/usr/bin", "CMH_CONFIG_DIR=/config"},
			"Labels": map[string]string{"org.opencontainers.image.version": r.plain(), "org.opencontainers.image.revision": r.commit},
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + sum(plain.Bytes())}},
	})
	if err != nil {
		return descriptor{}, err
	}
	const oci = "application/vnd.oci.image."
	b, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
		"config": keep(oci+"config.v1+json", config),
		"layers": []descriptor{keep(oci+"layer.v1.tar+gzip", layer.Bytes())},
	})
	if err != nil {
		return descriptor{}, err
	}
	return keep(oci+"manifest.v1+json", b), nil
}

// tag is a version as a registry can have it.
func tag(version string) string { return strings.ReplaceAll(version, "+", "-") }
