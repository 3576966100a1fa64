package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

var agentRules = []rule{
	{"AnEmptyStoreKnowsNoAgents", noAgents},
	{"WhatIsKeptOfAgentsComesBack", keptAgents},
	{"AnAgentIsReplacedAsAWhole", replacedAgents},
	{"AFailedCommitOfAgentsLeavesNothing", failedAgents},
	{"ManyAgentsAreCommittedWhole", manyAgents},
}

func wantAgents(t *testing.T, s Store, hosts []resource.AgentHost, tokens []resource.AgentToken) {
	t.Helper()
	var gotHosts []resource.AgentHost
	var gotTokens []resource.AgentToken
	err := s.LoadAgents(t.Context(), func(h resource.AgentHost) error { gotHosts = append(gotHosts, h); return nil },
		func(k resource.AgentToken) error { gotTokens = append(gotTokens, k); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(hosts, gotHosts); d != "" {
		t.Errorf("hosts (-want +got):\n%s", d)
	}
	if d := diff(tokens, gotTokens); d != "" {
		t.Errorf("tokens (-want +got):\n%s", d)
	}
}

func commitAgents(t *testing.T, s Store, m *resource.AgentMutation) {
	t.Helper()
	if err := s.CommitAgents(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// wholeHost and wholeToken have everything that is kept.
func wholeHost(name string) resource.AgentHost {
	return resource.AgentHost{
		Name: name, Serial: "17ab", Issued: epoch.Add(time.Nanosecond), Expires: epoch.Add(90 * 24 * time.Hour), Key: "00ff", Revoked: epoch,
	}
}

func wholeToken(name string) resource.AgentToken {
	return resource.AgentToken{Name: name, Hash: "abcd", Created: epoch, Expires: epoch.Add(time.Hour), Uses: 100_000, Used: 7, Host: "oss1"}
}

func noAgents(t *testing.T, s Store) {
	wantAgents(t, s, nil, nil)
	commitAgents(t, s, &resource.AgentMutation{})
	commitAgents(t, s, &resource.AgentMutation{DeleteTokens: []string{"nothing"}})
	wantAgents(t, s, nil, nil)
}

func keptAgents(t *testing.T, s Store) {
	a, b := wholeHost("a"), resource.AgentHost{Name: "B\x00\u00fc", Serial: "1", Issued: epoch, Expires: epoch}
	k, l := wholeToken("k"), resource.AgentToken{Name: "L", Hash: "ef", Created: epoch, Expires: epoch, Uses: 1}
	commitAgents(t, s, &resource.AgentMutation{PutHosts: []resource.AgentHost{a, b}, PutTokens: []resource.AgentToken{k, l}})
	// By bytes, whatever the language of the database.
	wantAgents(t, s, []resource.AgentHost{b, a}, []resource.AgentToken{l, k})
}

func replacedAgents(t *testing.T, s Store) {
	commitAgents(t, s, &resource.AgentMutation{
		PutHosts:  []resource.AgentHost{wholeHost("a"), wholeHost("b")},
		PutTokens: []resource.AgentToken{wholeToken("k"), wholeToken("l"), wholeToken("m")},
	})
	a := resource.AgentHost{Name: "a", Serial: "2", Issued: epoch.Add(time.Hour), Expires: epoch.Add(2 * time.Hour), Key: "11"}
	l := resource.AgentToken{Name: "l", Hash: "22", Created: epoch.Add(time.Hour), Expires: epoch.Add(2 * time.Hour), Uses: 2, Used: 1}
	again := wholeToken("m")
	again.Hash = "33" // what is deleted and put in one mutation is there
	commitAgents(t, s, &resource.AgentMutation{
		PutHosts: []resource.AgentHost{a}, PutTokens: []resource.AgentToken{l, again}, DeleteTokens: []string{"k", "m"},
	})
	wantAgents(t, s, []resource.AgentHost{a, wholeHost("b")}, []resource.AgentToken{l, again})
}

func failedAgents(t *testing.T, s Store) {
	m := &resource.AgentMutation{PutHosts: []resource.AgentHost{wholeHost("a")}, PutTokens: []resource.AgentToken{wholeToken("k")}}
	commitAgents(t, s, m)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gone := &resource.AgentMutation{PutHosts: []resource.AgentHost{wholeHost("b")}, DeleteTokens: []string{"k"}}
	if err := s.CommitAgents(ctx, gone); err == nil {
		t.Error("a commit under a context that has ended succeeded")
	}
	wantAgents(t, s, m.PutHosts, m.PutTokens)
}

func manyAgents(t *testing.T, s Store) {
	var m resource.AgentMutation
	for i := range 2345 {
		m.PutHosts = append(m.PutHosts, wholeHost(fmt.Sprintf("%05d", i)))
		m.PutTokens = append(m.PutTokens, wholeToken(fmt.Sprintf("%05d", i)))
	}
	commitAgents(t, s, &m)
	wantAgents(t, s, m.PutHosts, m.PutTokens)
	var gone []string
	for _, k := range m.PutTokens[:2000] {
		gone = append(gone, k.Name)
	}
	commitAgents(t, s, &resource.AgentMutation{DeleteTokens: gone})
	wantAgents(t, s, m.PutHosts, m.PutTokens[2000:])
}
