package split

import (
	"bytes"
	"context"
	"crypto/sha256"
	"path"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/words"
)

// Files are those of the lab's first host, as its learner sees them. A relative
// name begins in the learner's home.
type Files interface {
	// Get returns a file's content, and false when there is no such file.
	Get(name string) (content []byte, exists bool, err error)
	// Put writes a file, and makes the folders it lies in.
	Put(name string, content []byte) error
	Close() error
}

// fileIn is how long reading or writing a file may take.
const fileIn = 30 * time.Second

// inFolder is a file of the texts by the name that it has for Files and, where
// it is relative to the home, for a shell behind "~/".
func (d *desk) inFolder(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	folder := d.lab.Folder
	switch {
	case strings.HasPrefix(name, "~/"):
		return path.Clean(name[2:])
	case path.IsAbs(name):
		return path.Clean(name)
	case strings.HasPrefix(folder, "~"):
		folder = strings.TrimPrefix(strings.TrimPrefix(folder, "~"), "/")
	}
	return path.Join(folder, name)
}

// edit types what opens a file in the learner's editor.
func (d *desk) edit(name string) {
	if d.screen.Alternate() {
		d.say(d.theme.Tf("Leave the program in the shell first, or take another terminal: %s.", d.key("t")))
		return
	}
	file := d.inFolder(strings.TrimSpace(name))
	word := "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
	if !path.IsAbs(file) {
		word = "~/" + word
	}
	d.put(d.tab, markdown.Block{Code: "${EDITOR:-vi} " + word})
}

// writeFile puts a block's code where its file says. It asks before it writes over
// something that it has not written itself.
func (d *desk) writeFile(b markdown.Block) {
	if d.o.Files == nil {
		d.say(d.theme.Tf("Files can't be written from here: copy it with %s.", d.key("y")))
		return
	}
	name := d.inFolder(b.File.Path)
	d.onFile(d.theme.Tf("Looking at %s…", b.File.Path), func(f Files) func() {
		old, exists, err := f.Get(name)
		content, problem := changed(d.theme.Speaker, old, b)
		return func() {
			switch {
			case err != nil:
				d.told(err, "")
			case problem != "":
				d.say(problem)
			case exists && bytes.Equal(old, content):
				d.say(d.theme.Tf("%s is like that already.", b.File.Path))
			case b.File.How == "replace" && exists && d.wrote[name] != sha256.Sum256(old):
				d.confirm(d.theme.Tf("Write over %s, which is something else?", b.File.Path), func() { d.putFile(name, b, content) })
			default:
				d.putFile(name, b, content)
			}
		}
	})
}

func (d *desk) putFile(name string, b markdown.Block, content []byte) {
	d.onFile(d.theme.Tf("Writing %s…", b.File.Path), func(f Files) func() {
		err := f.Put(name, content)
		return func() {
			if err == nil {
				d.wrote[name] = sha256.Sum256(content)
			}
			d.told(err, d.theme.Tf("Written: %s", b.File.Path))
		}
	})
}

// onFile does something with the lab's files.
func (d *desk) onFile(busy string, do func(Files) func()) {
	if d.busy != "" {
		return
	}
	d.work(safe.Line(busy), func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, fileIn)
		defer cancel()
		f, err := d.o.Files(ctx)
		if err != nil {
			return func() { d.told(err, "") }
		}
		defer f.Close()
		then := do(f)
		if ctx.Err() != nil {
			return func() { d.told(hub.Errorf(hub.Unavailable, "The lab's files can't be reached right now."), "") }
		}
		return then
	})
}

// changed is what becomes of a file's content, or why it can't be made.
func changed(sp words.Speaker, old []byte, b markdown.Block) (content []byte, problem string) {
	code := strings.TrimRight(strings.ReplaceAll(b.Code, "\r\n", "\n"), "\n")
	was := string(old)
	if was != "" && !strings.HasSuffix(was, "\n") {
		was += "\n"
	}
	switch b.File.How {
	case "insert":
		if b.File.Marker == "" {
			return []byte(was + code + "\n"), ""
		}
		before, after, found := strings.Cut(string(old), b.File.Marker)
		if !found {
			return nil, sp.Tf("%s has no %q to put it at.", b.File.Path, b.File.Marker)
		}
		return []byte(before + code + after), ""
	case "append":
		return []byte(was + code + "\n"), ""
	case "prepend":
		return []byte(code + "\n" + string(old)), ""
	}
	return []byte(code + "\n"), ""
}
