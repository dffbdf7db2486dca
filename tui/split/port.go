package split

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
)

// Forward makes a port of one of the lab's hosts reachable on the learner's own
// machine, at the address it returns, until ctx ends.
type Forward func(ctx context.Context, host string, port int, say func(string)) (address string, err error)

// named matches what stands for a port in a text: an address on the lab's own
// hosts, or the words that variables of the format become.
var named = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:localhost|127\.0\.0\.1|172\.30\.([23])\.2):(\d{1,5})\b|\bport (\d{1,5}) of (?:the sandbox|172\.30\.([23])\.2)`)
})

// ports are those that the step speaks of, then those that the lab's author named.
func (d *desk) ports() (out []hub.LabPort) {
	add := func(p hub.LabPort) {
		same := func(o hub.LabPort) bool { return o.Port == p.Port && o.Host == p.Host }
		if p.Port > 0 && p.Port < 65536 && !slices.ContainsFunc(out, same) {
			out = append(out, p)
		}
	}
	for _, m := range named().FindAllStringSubmatch(d.source(), 64) {
		p := hub.LabPort{}
		p.Port, _ = strconv.Atoi(m[2] + m[3])
		if n, _ := strconv.Atoi(m[1] + m[4]); n > 1 && n <= len(d.lab.Hosts) {
			p.Host = d.lab.Hosts[n-1]
		}
		for _, q := range d.lab.Ports {
			if q.Port == p.Port && d.host(q.Host) == d.host(p.Host) {
				p = q
			}
		}
		add(p)
	}
	for _, p := range d.lab.Ports {
		if p.Name != "" {
			add(p)
		}
	}
	return out
}

// portLines say below the text which ports there are, and where one has been
// made reachable.
func (d *desk) portLines() {
	ports := d.ports()
	if len(ports) == 0 {
		return
	}
	d.section("Ports")
	for _, p := range ports {
		line := d.portName(p)
		if p.Name != "" {
			line = safe.Line(p.Name) + ": " + line
		}
		if at := d.reached[portKey(p)]; at != "" {
			line = d.theme.Tf("%s is at <%s> here", line, "http://"+at)
		}
		d.add("- " + line)
	}
	d.lines = append(d.lines, "", d.theme.Tf("%s reaches one from your machine", d.theme.Accent.Render(d.key("p"))))
}

func (d *desk) portName(p hub.LabPort) string {
	if d.host(p.Host) != "" {
		return d.theme.Tf("port %d of %s", p.Port, safe.Line(p.Host))
	}
	return d.theme.Tf("port %d", p.Port)
}

func portKey(p hub.LabPort) string { return p.Host + ":" + strconv.Itoa(p.Port) }

// reach asks which port, and makes it reachable.
func (d *desk) reach() {
	first := ""
	for _, p := range d.ports() {
		if first = strconv.Itoa(p.Port); d.host(p.Host) != "" {
			first = portKey(p)
		}
		if d.reached[portKey(p)] == "" {
			break
		}
	}
	d.question("Port, or HOST:PORT", first, func(text string) {
		host, number, both := strings.Cut(strings.TrimSpace(text), ":")
		if !both {
			host, number = "", host
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > 65535 {
			d.say("That is no port: 1 to 65535.")
			return
		}
		p := hub.LabPort{Port: n, Host: d.host(host)}
		if host != "" && !slices.ContainsFunc(d.lab.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
			d.say(d.theme.Tf("This lab has no host %s.", safe.Line(host)))
			return
		}
		d.forward(p)
	})
}

func (d *desk) forward(p hub.LabPort) {
	switch at := d.reached[portKey(p)]; {
	case at != "":
		d.say(d.theme.Tf("%s is at %s already.", d.portName(p), "http://"+at))
		return
	case d.o.Forward == nil:
		d.noted(d.session.Step, note{title: d.theme.Tf("Reach %s", d.portName(p)), text: d.theme.T("On your own machine:") + "\n\n```bash {copy}\n" + d.sshForward(p) + "\n```\n\n" +
			d.theme.Tf("Then it is at `%s` there, until you stop that with Ctrl-C.", "http://localhost:"+strconv.Itoa(p.Port))}, nil)
		return
	}
	d.work(d.theme.Tf("Reaching %s…", d.portName(p)), func(ctx context.Context) func() {
		at, err := d.o.Forward(d.ctx, p.Host, p.Port, d.sayLine)
		return func() {
			if err == nil {
				d.reached[portKey(p)] = at
				d.layOut()
			}
			d.told(err, d.theme.Tf("%s on your machine leads there, while this screen is open.", "http://"+at))
		}
	})
}

// sshForward is the command that reaches a port with plain ssh.
func (d *desk) sshForward(p hub.LabPort) string {
	at := d.session.SSH
	user := at.User
	if p.Host != "" {
		user += "+" + p.Host
	}
	return safe.Line(fmt.Sprintf("ssh -N -L %d:localhost:%d -p %d %s@%s", p.Port, p.Port, at.Port, user, at.Host))
}
