// Package oidc asks somebody else who a person is: an OpenID Connect provider
// of the operator's choice. Which account of ours that is, if any, is app's to
// decide.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const timeout = 10 * time.Second

// Config is how the provider knows us.
type Config struct {
	Name         string // what people call it
	Issuer       string
	ClientID     string
	ClientSecret string // empty for a public client
	RedirectURL  string
}

// Provider is one provider. It is safe for concurrent use, and looks the provider
// up when it is first needed: one that is away then is asked again.
type Provider struct {
	cfg  Config
	http *http.Client

	mu    sync.Mutex
	found *gooidc.Provider
}

// New prepares a provider. Nothing is dialled.
func New(cfg Config) *Provider {
	return &Provider{cfg: cfg, http: &http.Client{Timeout: timeout}}
}

// Name is what people call the provider.
func (p *Provider) Name() string { return p.cfg.Name }

// Person is who the provider says somebody is.
type Person struct {
	Issuer, Subject string
	Email           string
	EmailVerified   bool
	Username        string // what they like to be called
}

func (p *Provider) provider(ctx context.Context) (*gooidc.Provider, *oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		// The provider keeps the context for its keys: it must not end with a request.
		found, err := gooidc.NewProvider(gooidc.ClientContext(context.WithoutCancel(ctx), p.http), p.cfg.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("look up %s: %w", p.cfg.Issuer, err)
		}
		p.found = found
	}
	return p.found, &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, RedirectURL: p.cfg.RedirectURL,
		Endpoint: p.found.Endpoint(), Scopes: []string{gooidc.ScopeOpenID, "profile", "email"},
	}, nil
}

// AuthURL is where a browser goes to be asked who its user is. state, nonce and
// verifier are secrets of this one attempt.
func (p *Provider) AuthURL(ctx context.Context, state, nonce, verifier string) (string, error) {
	_, cfg, err := p.provider(ctx)
	if err != nil {
		return "", err
	}
	return cfg.AuthCodeURL(state, gooidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), nil
}

// Exchange trades the code that the browser has brought back for who the person
// is. The ID token must be the provider's, for us, and of this attempt.
func (p *Provider) Exchange(ctx context.Context, code, nonce, verifier string) (Person, error) {
	provider, cfg, err := p.provider(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx = gooidc.ClientContext(ctx, p.http)
	token, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Person{}, fmt.Errorf("trade the code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&gooidc.Config{ClientID: p.cfg.ClientID}).Verify(ctx, raw)
	if err != nil {
		return Person{}, err
	}
	if nonce == "" || id.Nonce != nonce {
		return Person{}, errors.New("the ID token is of another attempt")
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		return Person{}, err
	}
	if c.Email == "" { // many tell it only there
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return Person{}, err
		}
		if info.Subject != id.Subject {
			return Person{}, errors.New("the provider speaks of two people")
		}
		if err := info.Claims(&c); err != nil {
			return Person{}, err
		}
	}
	return Person{Issuer: id.Issuer, Subject: id.Subject, Email: c.Email, EmailVerified: c.Verified == true, Username: c.Username}, nil
}

type claims struct {
	Email    string `json:"email"`
	Verified any    `json:"email_verified"` // some send the word, which is not enough
	Username string `json:"preferred_username"`
}
