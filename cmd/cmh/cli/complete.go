package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A Suggestion is a word that may come next on a command line, and what it is.
type Suggestion struct{ Word, About string }

// What a command's usage calls a word that is completed with what there is.
const (
	CourseWord  = "COURSE"
	LessonWord  = "LESSON" // of the course before it
	LabWord     = "LAB"
	RefWord     = "REF" // a session, or the lab that it runs
	SessionWord = "SESSION"
	ProfileWord = "PROFILE"
)

// flagWords are the flags whose values are such words, or one of a few.
var flagWords = map[string]string{
	"course": CourseWord, "lab": LabWord, "profile": ProfileWord,
	"color": "auto|always|never", "theme": "auto|light|dark", "for": "ready|checked|ended",
	"level": "beginner|intermediate|advanced", "provider": "aws|azure|gcp|multi",
}

// complete gives every command below cmd what its words may be, by what its usage
// calls them. It is done only where a shell asks.
func complete(ctx context.Context, cmd *cobra.Command, env *Env) {
	cmd.Short = env.T(cmd.Short)
	if words := usageWords(cmd.Use); cmd.ValidArgs == nil && cmd.ValidArgsFunction == nil && !cmd.DisableFlagParsing && !ofFiles(words) {
		cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			word := ""
			if len(args) < len(words) {
				word = words[len(args)]
			}
			return suggest(ctx, env, word, args, begun), cobra.ShellCompDirectiveNoFileComp
		}
	}
	each := func(f *pflag.Flag) {
		f.Usage = strings.ReplaceAll(env.T(f.Usage), "`", "") // they name its value, in help
		if f.Name == "json" {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
				return oneMore(env.FieldsOf(cmd), begun), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
			})
		}
		if word := flagWords[f.Name]; word != "" { // fails for a flag that has one
			_ = cmd.RegisterFlagCompletionFunc(f.Name, func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
				return suggest(ctx, env, word, args, begun), cobra.ShellCompDirectiveNoFileComp
			})
		}
	}
	cmd.LocalNonPersistentFlags().VisitAll(each)
	cmd.PersistentFlags().VisitAll(each)
	for _, c := range cmd.Commands() {
		complete(ctx, c, env)
	}
}

// oneMore completes the last one of a list with commas.
func oneMore(all []string, begun string) []string {
	i := strings.LastIndex(begun, ",") + 1
	before := strings.Split(begun[:i], ",")
	var out []string
	for _, word := range all {
		if strings.HasPrefix(word, begun[i:]) && !slices.Contains(before, word) {
			out = append(out, begun[:i]+word)
		}
	}
	return out
}

// usageWords are the names of a command's words: of "reset [STEP] [REF]" these
// are STEP and REF.
func usageWords(use string) []string {
	var words []string
	for _, w := range strings.Fields(use)[1:] {
		if w = strings.TrimSuffix(strings.Trim(w, "[]"), "..."); w != "--" {
			words = append(words, w)
		}
	}
	return words
}

// ofFiles reports whether a shell does better: it knows the files and programs.
func ofFiles(words []string) bool {
	for _, w := range words {
		for _, file := range []string{"FILE", "FOLDER", "PATH", "DIR", "FROM"} {
			if strings.Contains(w, file) {
				return true
			}
		}
	}
	return false
}

func suggest(ctx context.Context, env *Env, word string, before []string, begun string) []string {
	var all []Suggestion
	switch {
	case strings.Contains(word, "|") && strings.ToLower(word) == word:
		for w := range strings.SplitSeq(word, "|") {
			all = append(all, Suggestion{Word: w})
		}
	case env.Suggest != nil && word != "":
		all = env.Suggest(ctx, word, before)
	}
	var out []string
	for _, s := range all {
		// A shell puts it on the command line: there is nothing in it to run.
		if !strings.HasPrefix(s.Word, begun) || !plainWord(s.Word) {
			continue
		}
		if about := CleanLine(s.About); about != "" {
			s.Word += "\t" + about
		}
		out = append(out, s.Word)
	}
	return out
}

func plainWord(s string) bool {
	return s != "" && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.+", r)
	})
}
