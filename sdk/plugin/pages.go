package plugin

import "iter"

// maxPage is the number of elements of a full page.
const maxPage = 1024

// pages is a list that grows without moving what it has: a scan may set
// hundreds of thousands of samples. The zero value is empty.
type pages[T any] struct {
	full [][]T
	last []T
}

func (p *pages[T]) push(v T) {
	if len(p.last) == cap(p.last) {
		if len(p.last) > 0 {
			p.full = append(p.full, p.last)
		}
		p.last = make([]T, 0, min(max(8, 2*cap(p.last)), maxPage))
	}
	p.last = append(p.last, v)
}

func (p *pages[T]) empty() bool { return len(p.last) == 0 }

// all yields the elements in order.
func (p *pages[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range len(p.full) + 1 {
			page := p.last
			if i < len(p.full) {
				page = p.full[i]
			}
			for k := range page {
				if !yield(&page[k]) {
					return
				}
			}
		}
	}
}
