package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
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

// blob is where d lies in the tar.
func (d descriptor) blob() string {
	return "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:")
}

// image writes a container image of cmh for every Linux there is, as a tar in
// the layout of OCI, and with the list in it that engines read which don't know
// that: `podman load`, `docker load` and `skopeo copy` take it. It holds the
// programs, and folders that they may write to.
func (r *release) image(all []made) error {
	blobs := map[string][]byte{}
	keep := func(mediaType string, b []byte) descriptor {
		d := descriptor{MediaType: mediaType, Digest: "sha256:" + sum(b), Size: len(b)}
		blobs[d.blob()] = b
		return d
	}
	var (
		manifests []descriptor
		listed    []loaded
	)
	name := "cloudmastershub/cmh:" + tag(r.plain())
	for _, m := range all {
		if m.os != "linux" {
			continue
		}
		d, one, err := r.manifest(m, keep)
		if err != nil {
			return err
		}
		one.RepoTags = []string{name + "-" + m.arch}
		listed = append(listed, one)
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
		"org.opencontainers.image.ref.name": r.plain(), "io.containerd.image.name": "docker.io/" + name,
	}
	if b, err = json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": []descriptor{index}}); err != nil {
		return err
	}
	blobs["index.json"] = b
	if blobs["manifest.json"], err = json.Marshal(listed); err != nil {
		return err
	}
	blobs["oci-layout"] = []byte(`{"imageLayoutVersion":"1.0.0"}`)
	files := make([]file, 0, len(blobs))
	for _, name := range sorted(blobs) {
		files = append(files, file{name, 0o644, blobs[name]})
	}
	var t bytes.Buffer
	if err := r.tar(&t, files); err != nil {
		return err
	}
	return r.write("cmh_"+r.plain()+"_image.tar", t.Bytes())
}

// loaded is an image in the list of those who don't know OCI's layout, which has
// one for each architecture.
type loaded struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func (r *release) manifest(m made, keep func(string, []byte) descriptor) (d descriptor, old loaded, err error) {
	programs := slices.DeleteFunc(slices.Clone(m.files), func(f file) bool { return strings.Contains(f.name, "/") || f.mode&0o111 == 0 })
	var plain bytes.Buffer
	if err := r.layer(&plain, programs); err != nil {
		return d, old, err
	}
	layer, err := gzipped(plain.Bytes())
	if err != nil {
		return d, old, err
	}
	config, err := json.Marshal(map[string]any{
		"created": r.date.Format(time.RFC3339), "os": m.os, "architecture": m.arch,
		"config": map[string]any{
			"Entrypoint": []string{"/usr/bin/cmh"}, "User": "65532:65532", "WorkingDir": "/",
			"Env":    []string{"PATH=/usr/bin", "HOME=/config", "CMH_CONFIG_DIR=/config"},
			"Labels": map[string]string{"org.opencontainers.image.version": r.plain(), "org.opencontainers.image.revision": r.commit},
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + sum(plain.Bytes())}},
	})
	if err != nil {
		return d, old, err
	}
	const oci = "application/vnd.oci.image."
	about, only := keep(oci+"config.v1+json", config), keep(oci+"layer.v1.tar+gzip", layer)
	b, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": oci + "manifest.v1+json", "config": about, "layers": []descriptor{only},
	})
	if err != nil {
		return d, old, err
	}
	old = loaded{Config: about.blob(), Layers: []string{only.blob()}}
	return keep(oci+"manifest.v1+json", b), old, nil
}

// layer is the file system. A volume at /config is the learner's as the folder is.
func (r *release) layer(to io.Writer, programs []file) error {
	t := tar.NewWriter(to)
	for _, h := range []tar.Header{{Name: "config/", Mode: 0o700, Uid: 65532, Gid: 65532}, {Name: "tmp/", Mode: 0o1777}} {
		h.Typeflag, h.ModTime, h.Format = tar.TypeDir, r.date, tar.FormatUSTAR
		if err := t.WriteHeader(&h); err != nil {
			return err
		}
	}
	if err := r.into(t, "usr/bin/", programs); err != nil {
		return err
	}
	return t.Close()
}

// tag is a version as a registry can have it.
func tag(version string) string { return strings.ReplaceAll(version, "+", "-") }
