package tool

import (
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
)

var (
	powerPseudo = lazyregexp.New(`^Pseudo name=(\S+)`)
	powerID     = lazyregexp.New(`^Logical device ID=([0-9A-Fa-f]+)`)
	powerWWN    = lazyregexp.New(`^Device WWN=([0-9A-Fa-f]+)`)
	powerPath   = lazyregexp.New(`^\s*\d+\s+\S.*?\s(sd[a-z]+|nvme\S+|c\d+t\S+)\s+(\S.*?)\s+(active|standby|asymm|unlic|proxy|\S+opt\S*)\S*\s+(alive|dead|degraded|\S+)\s+\d+\s+\d+`)
)

// PowerMT reads `powermt display dev=all`: PowerPath's pseudo devices as maps. The
// WWID is the volume's as it is written, or what the array calls it.
func PowerMT(text string) []MPMap {
	var all []MPMap
	for line := range lines(text) {
		if m := powerPseudo.FindStringSubmatch(line); m != nil {
			all = append(all, MPMap{Name: m[1]})
			continue
		}
		if len(all) == 0 {
			continue
		}
		p := &all[len(all)-1]
		if m := powerID.FindStringSubmatch(line); m != nil {
			p.WWID = m[1]
		} else if m := powerWWN.FindStringSubmatch(line); m != nil {
			// To some arrays a volume is a number of a few digits only.
			p.WWID = m[1]
		} else if m := powerPath.FindStringSubmatch(line); m != nil {
			path := MPPath{Name: m[1], Group: 1, DM: "active"}
			if m[4] == "dead" {
				path.DM = "failed"
			}
			// Active are the paths to the controller that has the volume.
			if strings.HasPrefix(m[3], "standby") {
				path.Group = 2
			} else if path.DM == "active" {
				p.Active = 1
			}
			p.Paths = append(p.Paths, path)
		}
	}
	return all
}
