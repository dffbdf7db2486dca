package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Pull installs an image from a registry by its reference, with the
// credentials that docker and podman use, for linux on this machine's kind of
// processor. It is known by the reference afterwards, by the one with its
// digest, and by called unless that is empty. What the reference points to
// now is what stays installed, until somebody pulls again.
func (s *Store) Pull(ctx context.Context, reference, called string) (Root, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return Root{}, fmt.Errorf("pull: %w", err)
	}
	also := []string{}
	if called != "" {
		if err := checkName(called); err != nil {
			return Root{}, err
		}
		also = append(also, called)
	}
	r, err := s.pull(ctx, ref, also)
	if err != nil {
		return Root{}, errors.Join(ctx.Err(), fmt.Errorf("pull %s: %w", reference, err))
	}
	r.Name = spoken(r.Name)
	return r, nil
}

func (s *Store) pull(ctx context.Context, ref name.Reference, also []string) (Root, error) {
	got, err := remote.Get(ref,
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: goarch}),
		remote.WithTransport(bounded{remote.DefaultTransport}),
	)
	if err != nil {
		return Root{}, err
	}
	img, err := got.Image()
	if err != nil {
		return Root{}, fmt.Errorf("find its image for linux/%s: %w", goarch, err)
	}
	if conf, err := img.ConfigFile(); err != nil {
		return Root{}, err
	} else if conf.OS != "" && conf.OS != "linux" || conf.Architecture != "" && conf.Architecture != goarch {
		return Root{}, fmt.Errorf("it is for %s/%s, and this machine is linux/%s", conf.OS, conf.Architecture, goarch)
	}
	pinned := ref.Context().Digest(got.Digest.String())
	also = append(also, escaped(pinned))
	return s.fromImage(ctx, img, Root{Name: escaped(ref), Source: spoken(escaped(pinned))}, also...)
}

// bounded holds registries to answers that a reader into memory survives:
// everything that isn't a layer is small.
type bounded struct{ next http.RoundTripper }

const maxAnswer = 8 << 20

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil && (strings.Contains(r.URL.Path, "/manifests/") || strings.Contains(resp.Header.Get("Content-Type"), "json")) {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}
