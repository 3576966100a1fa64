package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

var volumeRules = []rule{
	{"AnEmptyStoreKeepsNoVolumes", noVolumes},
	{"WhatIsKeptOfAVolumeComesBack", keptVolume},
	{"AVolumeIsReplacedAsAWhole", replacedVolume},
	{"DeclaredClustersComeAndGo", declaredClusters},
	{"AFailedCommitOfVolumesLeavesNothing", failedVolumes},
	{"ManyVolumesAreCommittedWhole", manyVolumes},
}

func wantVolumes(t *testing.T, s Store, want []*resource.StoredVolume, clusters []*resource.Cluster) {
	t.Helper()
	var got []*resource.StoredVolume
	var found []*resource.Cluster
	err := s.LoadVolumes(t.Context(), func(v *resource.StoredVolume) error { got = append(got, v); return nil },
		func(c *resource.Cluster) error { found = append(found, c); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(want, got); d != "" {
		t.Errorf("volumes (-want +got):\n%s", d)
	}
	if d := diff(clusters, found); d != "" {
		t.Errorf("clusters (-want +got):\n%s", d)
	}
}

func commitVolumes(t *testing.T, s Store, m *resource.VolumeMutation) {
	t.Helper()
	if err := s.CommitVolumes(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// wholeVolume has everything that a volume can have.
func wholeVolume(key string) *resource.StoredVolume {
	return &resource.StoredVolume{
		Key: key, ID: 7, Label: "scratch\x00\u00fc",
		Wish: resource.VolumeWish{Alias: "fast one", Primary: "a.example", Secondary: resource.NoHost, Unused: []string{"c.example"}, By: "ops", Time: epoch},
		Choice: resource.VolumeChoice{Primary: "a.example", Secondary: "b.example", PrimaryBy: resource.GroundUser, SecondaryBy: resource.GroundBalance,
			WhyPrimary: "a user chose it", WhySecondary: "it has the fewest", Hosts: []string{"a.example", "b.example", "c.example"}},
		Gone: epoch.Add(time.Nanosecond), Users: []resource.ID{3, 9}, Places: []string{"a.example:/dev/sda"},
	}
}

func noVolumes(t *testing.T, s Store) {
	wantVolumes(t, s, nil, nil)
	commitVolumes(t, s, &resource.VolumeMutation{Delete: []string{"nothing"}, DeleteClusters: []string{"nothing"}})
	wantVolumes(t, s, nil, nil)
}

func keptVolume(t *testing.T, s Store) {
	a, b := wholeVolume(`["linux","ScsiDevice","6001"]`), &resource.StoredVolume{Key: "B", ID: 1 << 40}
	commitVolumes(t, s, &resource.VolumeMutation{Put: []*resource.StoredVolume{a, b}})
	wantVolumes(t, s, []*resource.StoredVolume{b, a}, nil) // by bytes, whatever the language of the database
}

func replacedVolume(t *testing.T, s Store) {
	a, b := wholeVolume("a"), wholeVolume("b")
	commitVolumes(t, s, &resource.VolumeMutation{Put: []*resource.StoredVolume{a, b}})
	now := &resource.StoredVolume{Key: "a", ID: 8, Label: "other"}
	commitVolumes(t, s, &resource.VolumeMutation{Put: []*resource.StoredVolume{now}, Delete: []string{"b"}})
	wantVolumes(t, s, []*resource.StoredVolume{now}, nil)
}

func declaredClusters(t *testing.T, s Store) {
	a, b := &resource.Cluster{Name: "a", Hosts: []string{"x", "y"}}, &resource.Cluster{Name: "B", Hosts: []string{"z\x00"}}
	commitVolumes(t, s, &resource.VolumeMutation{PutClusters: []*resource.Cluster{a, b}})
	wantVolumes(t, s, nil, []*resource.Cluster{b, a})
	a = &resource.Cluster{Name: "a", Hosts: []string{"x"}}
	commitVolumes(t, s, &resource.VolumeMutation{PutClusters: []*resource.Cluster{a}, DeleteClusters: []string{"B"}})
	wantVolumes(t, s, nil, []*resource.Cluster{a})
}

func failedVolumes(t *testing.T, s Store) {
	a := wholeVolume("a")
	commitVolumes(t, s, &resource.VolumeMutation{Put: []*resource.StoredVolume{a}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.CommitVolumes(ctx, &resource.VolumeMutation{Delete: []string{"a"}}); err == nil {
		t.Error("a commit under a context that has ended succeeded")
	}
	wantVolumes(t, s, []*resource.StoredVolume{a}, nil)
}

func manyVolumes(t *testing.T, s Store) {
	var all []*resource.StoredVolume
	for i := range 2345 {
		v := wholeVolume(fmt.Sprintf("%05d", i))
		v.ID = resource.ID(i + 1)
		all = append(all, v)
	}
	commitVolumes(t, s, &resource.VolumeMutation{Put: all})
	wantVolumes(t, s, all, nil)
	var gone []string
	for _, v := range all[:2000] {
		gone = append(gone, v.Key)
	}
	commitVolumes(t, s, &resource.VolumeMutation{Delete: gone})
	wantVolumes(t, s, all[2000:], nil)
}
