package draw

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// newParser is CommonMark with tables and strikethrough. goldmark's own
// extensions for these come in one package with others, whose regular
// expressions every start of cmh would pay for, whether or not it draws a text.
func newParser() parser.Parser {
	inline, n := append(parser.DefaultInlineParsers(), util.Prioritized(strikethrough{}, 500)), &marks{}
	for i, p := range inline {
		inline[i].Value = bounded{p.Value.(parser.InlineParser), n}
	}
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(inline...),
		parser.WithParagraphTransformers(append(parser.DefaultParagraphTransformers(), util.Prioritized(tables{}, 200))...),
	)
}

// mostMarks is how many places of a block may begin or end a link, an emphasis, a
// tag and the like: what they cost grows with the square of it. The rest is text.
const mostMarks = 1000

// marks counts those of the block that is being parsed.
type marks struct {
	in ast.Node
	n  int
}

// bounded finds nothing more once there are too many of them.
type bounded struct {
	parser.InlineParser
	*marks
}

func (b bounded) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if b.in != parent {
		b.in, b.n = parent, 0
	}
	if b.n++; b.n > mostMarks {
		return nil
	}
	return b.InlineParser.Parse(parent, block, pc)
}

// CloseBlock implements parser.CloseBlocker for those that do.
func (b bounded) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	if c, ok := b.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(parent, block, pc)
	}
}

// strikethrough reads ~~text~~.
type strikethrough struct{}

func (strikethrough) Trigger() []byte                     { return []byte{'~'} }
func (strikethrough) CloseBlock(ast.Node, parser.Context) {}
func (strikethrough) IsDelimiter(b byte) bool             { return b == '~' }

func (strikethrough) CanOpenCloser(opener, closer *parser.Delimiter) bool {
	return opener.Char == closer.Char
}
func (strikethrough) OnMatch(int) ast.Node { return east.NewStrikethrough() }

func (s strikethrough) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	node := parser.ScanDelimiter(line, before, 1, s)
	if node == nil || node.OriginalLength > 2 || before == '~' {
		return nil
	}
	node.Segment = segment.WithStop(segment.Start + node.OriginalLength)
	block.Advance(node.OriginalLength)
	pc.PushDelimiter(node)
	return node
}

// tables makes a table of a paragraph whose second line is like |---|:-:|.
type tables struct{}

func (tables) Transform(p *ast.Paragraph, reader text.Reader, _ parser.Context) {
	lines := p.Lines()
	src := reader.Source()
	if lines.Len() < 2 {
		return
	}
	second := lines.At(1)
	align := alignments(second.Value(src))
	head := cells(lines.At(0), src)
	if align == nil || len(head) != len(align) {
		return
	}
	table := east.NewTable()
	table.Alignments = align
	row := east.NewTableRow(align)
	fill(row, head, align)
	table.AppendChild(table, east.NewTableHeader(row))
	for i := 2; i < lines.Len(); i++ {
		row := east.NewTableRow(align)
		fill(row, cells(lines.At(i), src), align)
		table.AppendChild(table, row)
	}
	p.Parent().ReplaceChild(p.Parent(), p, table)
}

func fill(row *east.TableRow, segments []text.Segment, align []east.Alignment) {
	for i, a := range align {
		cell := east.NewTableCell()
		cell.Alignment = a
		if i < len(segments) && segments[i].Len() > 0 {
			cell.Lines().Append(segments[i])
		}
		row.AppendChild(row, cell)
	}
}

// alignments reads a delimiter row; nil when line is none.
func alignments(line []byte) []east.Alignment {
	line = bytes.Trim(bytes.TrimSpace(line), "|")
	if !bytes.ContainsRune(line, '-') {
		return nil
	}
	var out []east.Alignment
	for cell := range bytes.SplitSeq(line, []byte{'|'}) {
		cell = bytes.TrimSpace(cell)
		left, right := bytes.HasPrefix(cell, []byte{':'}), bytes.HasSuffix(cell, []byte{':'})
		if dashes := bytes.Trim(cell, ":"); len(dashes) == 0 || len(bytes.Trim(dashes, "-")) > 0 {
			return nil
		}
		switch {
		case left && right:
			out = append(out, east.AlignCenter)
		case right:
			out = append(out, east.AlignRight)
		case left:
			out = append(out, east.AlignLeft)
		default:
			out = append(out, east.AlignNone)
		}
	}
	return out
}

// cells splits a row at its bars; one behind a backslash is content.
func cells(line text.Segment, src []byte) []text.Segment {
	line = line.TrimLeftSpace(src)
	line = line.TrimRightSpace(src)
	v := line.Value(src)
	start, end := 0, len(v)
	if end > 0 && v[0] == '|' {
		start = 1
	}
	if end > start && v[end-1] == '|' && (end < 2 || v[end-2] != '\\') {
		end--
	}
	var out []text.Segment
	add := func(from, to int) {
		s := text.NewSegment(line.Start+from, line.Start+to)
		s = s.TrimLeftSpace(src)
		out = append(out, s.TrimRightSpace(src))
	}
	from := start
	for i := start; i < end; i++ {
		switch v[i] {
		case '\\':
			i++
		case '|':
			add(from, i)
			from = i + 1
		}
	}
	add(from, end)
	return out
}
