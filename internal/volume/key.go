package volume

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// maxKey bounds the length of a key. A longer one is cut and ends in a checksum.
const maxKey = 512

// key is the identity of a drive, the same if the drive is found again under
// another ID: its class and its identifying values, references and the root that
// it belongs to by their identities in turn, and hosts by their names.
func (s *Stage) key(r *resource.Resource) string {
	b, err := json.Marshal(s.identity(r, 0))
	if err != nil { // it is made of texts and numbers
		panic(err)
	}
	if len(b) <= maxKey {
		return string(b)
	}
	sum := sha256.Sum256(b)
	return strings.ToValidUTF8(string(b[:maxKey-len(sum)*2]), "") + hex.EncodeToString(sum[:])
}

func (s *Stage) identity(r *resource.Resource, depth int) []any {
	const most = 8 // references to references; more is no identity that anybody means
	out := []any{r.Class.Plugin, r.Class.Name}
	if len(r.Class.IDAttrs()) == 0 {
		return append(out, r.Identity) // a number that the server gave out
	}
	of := func(id resource.ID) any {
		if target := s.get(id); target != nil && depth < most {
			return s.identity(target, depth+1)
		}
		return int64(id)
	}
	for _, i := range r.Class.IDAttrs() {
		v := r.Values[i]
		id, isRef := v.Ref()
		n, isInt := v.Int()
		switch {
		case isRef:
			out = append(out, of(resource.ID(id)))
		case isInt && r.Class.Attributes[i].Name == resource.AttrHostID:
			out = append(out, s.graph.hostName(n))
		default:
			out = append(out, v.Plain())
		}
	}
	if r.Class.IDScope == resource.Scoped && r.Scope != r.ID {
		out = append(out, of(r.Scope))
	}
	return out
}

// get returns a resource of the kept part of the graph, or else of the live one.
func (s *Stage) get(id resource.ID) *resource.Resource {
	if v, ok := s.graph.byID[id]; ok {
		return v.r
	}
	return s.opts.Get(id)
}
