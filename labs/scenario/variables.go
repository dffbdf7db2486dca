package scenario

import (
	"regexp"
	"strconv"
	"strings"
)

// where says what a variable turns into: an address that works in code, or
// words for a reader.
type where int

const (
	inText where = iota
	inCode
	inLink
)

// variable matches the platforms' variables and nothing else: shell tests and
// the templates of other languages look alike and must survive. A whole URL is
// tried before its single words.
var variable = regexp.MustCompile(
	`(?:https?:)?(?://)?\[\[(?:HOST_SUBDOMAIN|HOST|CLIENT_SUBDOMAIN|UUID_SUBDOMAIN)\]\]-(\d{1,5})-\[\[KATACODA_(?:HOST|DOMAIN)\]\](?:\.environments\.katacoda\.com|\.\[\[KATACODA_DOMAIN\]\])?` +
		`|(?:https?:)?(?://)?\{\{\s*TRAFFIC_HOST(\d)_(\d{1,5})\s*\}\}` +
		`|(?:https?:)?(?://)?\{\{\s*TRAFFIC_SELECTOR[A-Z0-9_]*\s*\}\}` +
		`|\[\[HOST(\d?)_IP\]\]` +
		`|(?:https?:)?(?://)?\[\[(?:HOST_SUBDOMAIN|CLIENT_SUBDOMAIN|UUID_SUBDOMAIN|HOST|KATACODA_HOST|KATACODA_DOMAIN)\]\]`)

// anyPort finds the port in a variable that names one.
var anyPort = regexp.MustCompile(`(?:\]\]-(\d{1,5})-\[\[|TRAFFIC_HOST\d_(\d{1,5}))`)

// replaceVariables replaces every variable of s and returns the ports they
// name.
func replaceVariables(s string, w where) (string, []int) {
	if !strings.Contains(s, "[[") && !strings.Contains(s, "{{") {
		return s, nil
	}
	var ports []int
	out := variable.ReplaceAllStringFunc(s, func(v string) string {
		port := 0
		if m := anyPort.FindStringSubmatch(v); m != nil {
			if port, _ = strconv.Atoi(m[1] + m[2]); port > 0 && port < 65536 {
				ports = append(ports, port)
			}
		}
		host := hostOf(v)
		switch {
		case strings.HasSuffix(v, "_IP]]"):
			return host
		case port > 0 && w == inText && host == "localhost":
			return "port " + strconv.Itoa(port) + " of the sandbox"
		case port > 0 && w == inText:
			return "port " + strconv.Itoa(port) + " of " + host
		case port > 0:
			return scheme(v) + host + ":" + strconv.Itoa(port)
		case strings.Contains(v, "TRAFFIC_SELECTOR") && w == inText:
			return "a port of the sandbox"
		case w == inText:
			return "the sandbox"
		}
		return scheme(v) + host
	})
	return out, ports
}

var trafficHost = regexp.MustCompile(`TRAFFIC_HOST(\d)|HOST(\d)_IP`)

// hostOf is the name or address of the host that v means.
func hostOf(v string) string {
	n := ""
	if m := trafficHost.FindStringSubmatch(v); m != nil {
		n = m[1] + m[2]
	}
	ip := strings.HasSuffix(v, "_IP]]")
	switch {
	case n == "2" || n == "3":
		return "172.30." + n + ".2"
	case ip:
		return "127.0.0.1"
	}
	return "localhost"
}

// scheme keeps a bare host bare where the author wrote a scheme or, in a URL
// of the old platform, wrote none on purpose.
func scheme(v string) string {
	if strings.HasPrefix(v, "[[") {
		return ""
	}
	if strings.HasPrefix(v, "//") {
		return "//"
	}
	return "http://"
}
