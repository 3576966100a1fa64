package plugin

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// tagProblem is something wrong with the tags of a field.
type tagProblem struct {
	rule wire.Rule
	text string
}

// attrTag is a parsed attr tag.
type attrTag struct {
	name    string // empty: derive it from the field
	options []string
}

// attrOptions are the options an attr tag may have.
var attrOptions = []string{"globalid", "scopedid", "autoid", "optional", "hidden", "readonly"}

func (t attrTag) has(option string) bool { return slices.Contains(t.options, option) }

// parseAttrTag reads `name,option,…`; the name may be empty.
func parseAttrTag(tag string) (attrTag, error) {
	name, rest, more := strings.Cut(tag, ",")
	if name != "" && name != "-" && !isName(name) {
		return attrTag{}, &tagError{wire.RuleMemberName, fmt.Sprintf("attr:%q: %q is no name: use letters, digits and _", tag, name)}
	}
	t := attrTag{name: name}
	for more {
		var opt string
		opt, rest, more = strings.Cut(rest, ",")
		if !slices.Contains(attrOptions, opt) {
			return attrTag{}, fmt.Errorf("attr:%q: unknown option %q; known are %s", tag, opt, strings.Join(attrOptions, ", "))
		}
		if t.has(opt) {
			return attrTag{}, fmt.Errorf("attr:%q: option %q is given twice", tag, opt)
		}
		t.options = append(t.options, opt)
	}
	if t.has("globalid") && t.has("scopedid") {
		return attrTag{}, &tagError{wire.RuleIdentifierMixed, fmt.Sprintf("attr:%q: globalid and scopedid exclude each other", tag)}
	}
	return t, nil
}

// tagError is an attr tag that breaks another rule than that of known options.
type tagError struct {
	rule wire.Rule
	text string
}

func (e *tagError) Error() string { return e.text }

// attrTagRule returns the rule that an error of parseAttrTag breaks.
func attrTagRule(err error) wire.Rule {
	var te *tagError
	if errors.As(err, &te) {
		return te.rule
	}
	return wire.RuleOptionUnknown
}

// isName reports whether s can be the name of an attribute: one that is also
// an identifier in Python.
func isName(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		case '0' <= r && r <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}

// snakeCase turns a Go field name into an attribute name: SerialNumber into
// serial_number, LocalID into local_id, HTTPPort into http_port.
func snakeCase(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if unicode.IsUpper(r) {
			afterLower := i > 0 && !unicode.IsUpper(runes[i-1]) && runes[i-1] != '_'
			endsAcronym := i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) && runes[i-1] != '_'
			if afterLower || endsAcronym {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// parseBins reads the bins of a histogram, such as 0-512,513-1024,1025-.
func parseBins(tag string) ([][]int64, error) {
	var bins [][]int64
	for part := range strings.SplitSeq(tag, ",") {
		lowText, highText, ok := strings.Cut(strings.TrimSpace(part), "-")
		low, err := strconv.ParseInt(lowText, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("bins:%q: %q is no bin: write LOW-HIGH, or LOW- for the last", tag, part)
		}
		if n := len(bins); n > 0 {
			last := bins[n-1]
			if len(last) == 1 {
				return nil, fmt.Errorf("bins:%q: only the last bin may be open", tag)
			}
			if low <= last[1] {
				return nil, fmt.Errorf("bins:%q: bin %q does not lie above the one before", tag, part)
			}
		}
		if highText == "" {
			bins = append(bins, []int64{low})
			continue
		}
		high, err := strconv.ParseInt(highText, 10, 64)
		if err != nil || high < low {
			return nil, fmt.Errorf("bins:%q: %q is no bin: write LOW-HIGH, or LOW- for the last", tag, part)
		}
		bins = append(bins, []int64{low, high})
	}
	return bins, nil
}

// parseEvery reads a sample period: a whole number of seconds, as a duration.
func parseEvery(tag string) (int, error) {
	d, err := time.ParseDuration(tag)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return 0, fmt.Errorf("every:%q: give a whole number of seconds, such as 30s", tag)
	}
	return int(d / time.Second), nil
}

// sdkTags are the tag keys of this package.
var sdkTags = []string{"attr", "label", "was", "min", "max", "maxlen", "default", "enum", "unit", "every", "bins"}

// checkTags reports tag keys of this package that mean nothing on a field of the
// given sort, keys that look like a slip of the pen, and tags that the reflect
// package cannot read.
func checkTags(tag reflect.StructTag, sort string, allowed ...string) []tagProblem {
	var problems []tagProblem
	say := func(format string, args ...any) {
		problems = append(problems, tagProblem{wire.RuleOptionUnknown, fmt.Sprintf(format, args...)})
	}
	keys, ok := tagKeys(string(tag))
	if !ok {
		say("tag `%s` is malformed: write key:\"value\" pairs with spaces between", tag)
	}
	for _, key := range keys {
		switch {
		case slices.Contains(allowed, key):
		case slices.Contains(sdkTags, key):
			say("tag %s: has no meaning for a %s", key, sort)
		default:
			meant := ""
			for _, known := range sdkTags {
				near := strings.HasPrefix(key, known) || wire.Distance(key, known) <= 2 && key[0] == known[0]
				if near && (meant == "" || wire.Distance(key, known) < wire.Distance(key, meant)) {
					meant = known
				}
			}
			if meant != "" {
				say("tag %s: is not known; did you mean %s?", key, meant)
			}
		}
	}
	return problems
}

// tagKeys returns the keys of a struct tag.
func tagKeys(tag string) (keys []string, ok bool) {
	for tag = strings.TrimLeft(tag, " "); tag != ""; tag = strings.TrimLeft(tag, " ") {
		key, rest, found := strings.Cut(tag, ":")
		value, err := strconv.QuotedPrefix(rest)
		if !found || err != nil || key == "" || strings.ContainsAny(key, " \"") {
			return keys, false
		}
		keys = append(keys, key)
		tag = rest[len(value):]
	}
	return keys, true
}
