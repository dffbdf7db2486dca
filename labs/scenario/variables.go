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
	`(?:https?:)?(?://)?\[\[(?:HOST_SUBDOMAIN|HOST|CLIENT_SUBDOMAIN|UUID_SUBDOMAIN)\]\](?:-(\d{1,5}))?-\[\[KATACODA_(?:HOST|DOMAIN)\]\](?:\.environments\.katacoda\.com|\.\[\[KATACODA_DOMAIN\]\])?` +
		`|(?:https?:)?(?://)?\{\{\s*TRAFFIC_HOST(\d)_(\d{1,5})\s*\}\}` +
		`|(?:https?:)?(?://)?\{\{\s*TRAFFIC_SELECTOR[A-Z0-9_]*\s*\}\}` +
		`|\[\[HOST(\d?)_IP\]\]` +
		`|(?:https?:)?(?://)?\[\[(?:HOST_SUBDOMAIN|CLIENT_SUBDOMAIN|UUID_SUBDOMAIN|HOST|KATACODA_HOST|KATACODA_DOMAIN)\]\]`)

// anyPort finds the port in a variable that names one.
var anyPort = regexp.MustCompile(`(?:\]\]-(\d{1,5})-\[\[|TRAFFIC_HOST\d_(\d{1,5}))`)

// variableHere matches a variable at the very beginning.
var variableHere = regexp.MustCompile(`^(?:` + variable.String() + `)`)

// replaceVariables replaces every variable of s and returns the ports they
// name. In text, a variable in a link or with a path behind it becomes an
// address all the same.
func replaceVariables(s string, w where) (string, []int) {
	if !strings.Contains(s, "[[") && !strings.Contains(s, "{{") {
		return s, nil
	}
	var (
		ports []int
		out   strings.Builder
		last  int
	)
	for _, at := range variable.FindAllStringIndex(s, -1) {
		out.WriteString(s[last:at[0]])
		last = at[1]
		v, here := s[at[0]:at[1]], w
		if isLink(s[:at[0]], s[at[1]:]) {
			here = inLink
		}
		port := 0
		if m := anyPort.FindStringSubmatch(v); m != nil {
			port, _ = strconv.Atoi(m[1] + m[2])
		}
		if port > 65535 {
			port = 0
		}
		if port > 0 {
			ports = append(ports, port)
		}
		out.WriteString(replacement(v, port, here))
	}
	out.WriteString(s[last:])
	return out.String(), ports
}

// isLink reports whether what stands between before and after must be an
// address.
func isLink(before, after string) bool {
	if strings.HasPrefix(after, "/") {
		return true
	}
	for _, open := range []string{"](", "=\"", "='", "<", "]: "} {
		if strings.HasSuffix(before, open) {
			return true
		}
	}
	return false
}

func replacement(v string, port int, w where) string {
	host := hostOf(v)
	switch {
	case strings.HasSuffix(v, "_IP]]"):
		return host
	case w == inText && port > 0:
		if host == "localhost" {
			host = "the sandbox"
		}
		return "port " + strconv.Itoa(port) + " of " + host
	case w == inText && strings.Contains(v, "TRAFFIC_SELECTOR"):
		return "a port of the sandbox"
	case w == inText:
		return "the sandbox"
	}
	if port > 0 {
		host += ":" + strconv.Itoa(port)
	}
	if w == inCode && strings.HasPrefix(v, "[[") {
		return host // a bare host in code stays one
	}
	return "http://" + host
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
