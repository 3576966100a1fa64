package wire

// Distance returns how many bytes must be changed, added or dropped to make one
// name of the other. Whoever finds a Problem tells by it which name the author
// meant: the SDK in a struct tag, the host in a relation of a plugin in any
// language.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
