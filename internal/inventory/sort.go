package inventory

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/faultline-storage/faultline/internal/resource"
)

// ref stands for a resource while many are sorted. What is compared again and again
// is here; a text, which lies elsewhere in memory, is read once for eight bytes of it.
type ref struct {
	head uint64 // a number, or the bytes of a text that are compared now
	id   resource.ID
	at   int32 // where the resource stands in the list to sort
	kind keyKind
}

// headSize is the number of bytes of a text in a head.
const headSize = 8

func compareRefs(a, b ref) int {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind)
	}
	if a.head != b.head {
		return cmp.Compare(a.head, b.head)
	}
	return cmp.Compare(a.id, b.id)
}

// sortResources sorts resources by their keys, then by ID, on several cores if there
// are many.
func sortResources(list []*resource.Resource, newSorter func() *sorter) sorted {
	refs, texts := make([]ref, len(list)), make(textKeys, len(list))
	inChunks(len(list), func() func(from, to int) {
		s := newSorter()
		return func(from, to int) {
			for i := from; i < to; i++ {
				k := s.key(list[i])
				refs[i] = ref{head: k.num, id: list[i].ID, at: int32(i), kind: k.kind} //nolint:gosec // no list is that long
				if k.kind == textKey {
					texts[i] = k.text
				}
			}
		}
	})
	depth := texts.setHeads(refs, 0)
	parallelSort(refs)
	// Each core puts the texts of a part in order, which ends where heads do.
	half := len(refs)
	if half >= manyRows {
		half /= 2
		for half < len(refs) && refs[half].alike(&refs[half-1]) {
			half++
		}
	}
	var other sync.WaitGroup
	other.Go(func() { texts.settle(refs[half:], depth) })
	texts.settle(refs[:half], depth)
	other.Wait()
	out := sorted{ids: make([]resource.ID, len(refs))}
	for i := range refs {
		out.ids[i] = refs[i].id
		if refs[i].kind == nullKey {
			out.nulls++
		}
	}
	return out
}

// alike reports whether two heads do not tell which resource comes first.
func (r *ref) alike(other *ref) bool { return r.kind == other.kind && r.head == other.head }

// textKeys has the key of each resource of a list that has a text as its key. No key
// is another one with NULs behind it, so that heads that are padded with them do.
type textKeys [][]byte

// setHeads takes the bytes of all texts among refs that follow what they have in common
// from a depth on, and returns how deep that goes. Down to depth they are alike.
func (t textKeys) setHeads(refs []ref, depth int) int {
	var first []byte
	common := 0 // beyond depth
	for i := range refs {
		if refs[i].kind != textKey {
			continue
		}
		text := t[refs[i].at][depth:]
		if first == nil {
			first, common = text, len(text)
			continue
		}
		common = min(common, len(text))
		for n := range common {
			if text[n] != first[n] {
				common = n
				break
			}
		}
	}
	depth += common
	for i := range refs {
		if refs[i].kind == textKey {
			var head [headSize]byte
			copy(head[:], t[refs[i].at][depth:])
			refs[i].head = binary.BigEndian.Uint64(head[:])
		}
	}
	return depth + headSize
}

// settle puts in order what its heads leave open, where texts are read down to depth.
func (t textKeys) settle(refs []ref, depth int) {
	for from := 0; from < len(refs); {
		to := from + 1
		for to < len(refs) && refs[from].alike(&refs[to]) {
			to++
		}
		run := refs[from:to]
		from = to
		goesOn := func(r ref) bool { return len(t[r.at]) > depth }
		if len(run) > 1 && run[0].kind == textKey && slices.ContainsFunc(run, goesOn) {
			next := t.setHeads(run, depth)
			slices.SortFunc(run, compareRefs)
			t.settle(run, next)
		}
	}
}

// manyRows is from how many rows on it is worth to use several cores.
const manyRows = 20_000

func parallelSort(refs []ref) {
	if len(refs) < manyRows {
		slices.SortFunc(refs, compareRefs)
		return
	}
	half := len(refs) / 2
	// Where there is one core only, this costs nothing worth to mention.
	var other sync.WaitGroup
	other.Go(func() { slices.SortFunc(refs[:half], compareRefs) })
	slices.SortFunc(refs[half:], compareRefs)
	other.Wait()
	if compareRefs(refs[half-1], refs[half]) <= 0 {
		return
	}
	left, out := slices.Clone(refs[:half]), refs[:0]
	right := refs[half:]
	for len(left) > 0 && len(right) > 0 {
		if compareRefs(left[0], right[0]) <= 0 {
			out, left = append(out, left[0]), left[1:]
		} else {
			out, right = append(out, right[0]), right[1:]
		}
	}
	copy(refs[len(out):], left) // what is left of the right half stands where it belongs
}
