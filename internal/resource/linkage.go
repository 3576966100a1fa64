package resource

import (
	"strings"
	"unicode"
)

// Linkage explains how two resources are linked, or why they are not.
type Linkage struct {
	// Steps lead along edges from the one that affects the other to that, on a
	// shortest path: one step if they are neighbours, none if they are not linked.
	Steps []LinkStep
	// Misses are relations that could link the two directly and do not.
	Misses []RelationMatch
}

// LinkStep is an edge, with who stands for it.
type LinkStep struct {
	Parent, Child *Resource
	Roots         []ID            // whose sessions report it, ascending
	Matches       []RelationMatch // the relations that make it
}

// RelationMatch is a relation with a provider and a subscriber that may match.
type RelationMatch struct {
	Class                *Class // that declares the relation
	Relation             *Relation
	Provider, Subscriber *Resource
	Attributes           []Comparison
	// Cycle is the path from the subscriber to the provider for which a match
	// makes no edge: with it, the graph would have a cycle.
	Cycle []ID
	// Near are resources that match one of the two, or nearly do, best first. They
	// are looked for only if the two are not linked.
	Near []NearMatch
	// Cut says that there are so many resources that not all were looked at.
	Cut bool
}

// NearMatch is a resource in the place of one of the two.
type NearMatch struct {
	Resource *Resource
	// Provides says that it stands in the place of the provider.
	Provides   bool
	Attributes []Comparison
}

// Matches reports whether all attributes are the same.
func Matches(list []Comparison) bool {
	for i := range list {
		if list[i].Difference != Same {
			return false
		}
	}
	return true
}

// Comparison is an attribute of a relation on both sides.
type Comparison struct {
	Name                 string
	Provider, Subscriber Value
	Difference           Difference
}

// Difference says how two values differ for a relation.
type Difference uint8

// The differences, from the smallest to the largest.
const (
	Same        Difference = iota
	Case                   // only in case, which the relation does not ignore
	Whitespace             // only in white space, and perhaps in case
	Punctuation            // only in what is no letter and no digit, and perhaps in case
	Part                   // one is a part of the other, but for such characters
	Another                // in more than that
	Nothing                // a value is null, and null matches nothing
)

var differenceNames = [...]string{"same", "case", "whitespace", "punctuation", "part", "other", "null"}

// String returns the difference's name in the API.
func (d Difference) String() string { return differenceNames[d] }

// Compare tells how the values of an attribute differ for a relation.
func Compare(a, b Value, ignoreCase bool) Difference {
	x, ok1 := a.Fold(ignoreCase)
	y, ok2 := b.Fold(ignoreCase)
	if !ok1 || !ok2 {
		return Nothing
	}
	if x == y {
		return Same
	}
	x, y = strings.ToLower(x), strings.ToLower(y)
	if x == y {
		return Case
	}
	if strings.Join(strings.Fields(x), "") == strings.Join(strings.Fields(y), "") {
		return Whitespace
	}
	const least = 4 // characters of a part that tell something
	x, y = Bare(x), Bare(y)
	switch {
	case x == y && x != "":
		return Punctuation
	case len(x) >= least && strings.Contains(y, x), len(y) >= least && strings.Contains(x, y):
		return Part
	}
	return Another
}

// Bare returns the letters and digits of a text, in lower case.
func Bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// Alike reports whether two texts differ in at most two characters, as a text
// does that somebody copied by hand. Short texts are alike only if they are
// nearly the same in length.
func Alike(a, b string) bool {
	const least, most = 6, 2
	x, y := []rune(Bare(a)), []rune(Bare(b))
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) < least || len(y)-len(x) > most || len(y) > 1000 {
		return false
	}
	// The edit distance, of which only the diagonal can matter.
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		from, to := max(1, i-most), min(len(y), i+most+(len(y)-len(x)))
		left, best := most+1, most+1
		diagonal := row[from-1]
		if from == 1 {
			left = i
		}
		row[from-1] = left
		for j := from; j <= to; j++ {
			d := diagonal
			if x[i-1] != y[j-1] {
				d++
			}
			diagonal = row[j]
			row[j] = min(d, left+1, row[j]+1)
			left = row[j]
			best = min(best, left)
		}
		if best > most {
			return false
		}
	}
	return row[len(y)] <= most
}
