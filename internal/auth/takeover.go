package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Files in which earlier versions kept the authority, in the data directory.
const (
	authorityKey  = "agent-ca.key"
	authorityCert = "agent-ca.pem"
	hostFile      = "agents"
	joinFile      = "agent-tokens"
)

// TakeOver moves what an earlier version kept in files of a data directory into the
// store, and removes the files. It does nothing where there are none. If the store
// has the authority of the files already, as where two servers shared them, it
// learns from them of certificates and revocations; the files of another authority
// are left as they are.
func (a *Authority) TakeOver(ctx context.Context, dir string) error {
	files, err := readFiles(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("take over the authority of agents: %w", err)
	}
	end, err := a.begin()
	if err != nil {
		return err
	}
	defer end()
	s, err := a.signer()
	switch {
	case resource.KindOf(err) == resource.NotFound:
		// The key comes last: it says that all is there.
		err = a.commit(ctx, &resource.AgentMutation{PutHosts: files.hosts, PutTokens: files.tokens})
		if err == nil {
			err = a.keep(ctx, files.signer)
		}
	case err != nil: // Load has said why
		return nil
	case s.cert.Equal(files.signer.cert):
		err = a.commit(ctx, &resource.AgentMutation{PutHosts: a.newer(files.hosts)})
	default:
		a.log.Warn("the files of agents in the data folder are of another authority than that of the database; they are not used, and can be removed",
			"file", filepath.Join(dir, authorityKey))
		return nil
	}
	if err != nil {
		return fmt.Errorf("take over the authority of agents: %w", err)
	}
	for _, name := range []string{authorityKey, authorityCert, hostFile, joinFile} {
		for _, path := range []string{filepath.Join(dir, name), filepath.Join(dir, name+".lock")} {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("the authority of agents is in the database now, but its file stays: %w", err)
			}
		}
	}
	a.log.Info("moved the authority of agents from files of the data folder into the database", "hosts", len(files.hosts), "tokens", len(files.tokens))
	return nil
}

// newer returns what a list of hosts tells beyond what is known.
func (a *Authority) newer(list []resource.AgentHost) (out []resource.AgentHost) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, h := range list {
		had, known := a.hosts[h.Name]
		now := had
		if !known || h.Issued.After(had.Issued) {
			now = h
		}
		now.Revoked = had.Revoked
		if h.Revoked.After(had.Revoked) {
			now.Revoked = h.Revoked
		}
		if now != had {
			out = append(out, now)
		}
	}
	return out
}

// agentFiles is what the files have.
type agentFiles struct {
	signer *signer
	hosts  []resource.AgentHost
	tokens []resource.AgentToken
}

// readFiles reads the files of a data directory. The error is fs.ErrNotExist if
// there is no key.
func readFiles(dir string) (f agentFiles, err error) {
	keyPath, certPath := filepath.Join(dir, authorityKey), filepath.Join(dir, authorityCert)
	st, err := os.Stat(keyPath)
	if err != nil {
		return f, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return f, fmt.Errorf("%s may be read or written by others, who could then speak for any host; run chmod 600 on it, and if others may have read it, remove %s and %s and register all hosts again", keyPath, keyPath, certPath)
	}
	key, err := readPEM(keyPath, "PRIVATE KEY")
	if err != nil {
		return f, err
	}
	cert, err := readPEM(certPath, "CERTIFICATE")
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("%s is there, and %s is not; bring it back from a backup, or remove the key and register all hosts again", keyPath, certPath)
	}
	if err != nil {
		return f, err
	}
	if f.signer, err = readSigner(keyPath, key, certPath, cert); err != nil {
		return f, err
	}
	hosts := table[resource.AgentHost]{path: filepath.Join(dir, hostFile), what: "file of agents", parse: readHost}
	if f.hosts, err = hosts.all(); err != nil {
		return f, err
	}
	tokens := table[resource.AgentToken]{path: filepath.Join(dir, joinFile), what: "file of agents' tokens", parse: readJoin}
	f.tokens, err = tokens.all()
	return f, err
}

// readHost reads a line "NAME SERIAL EXPIRES KEY REVOKED".
func readHost(_ int, line string) (h resource.AgentHost, err error) {
	f := strings.Fields(line)
	if len(f) != 5 {
		return h, errors.New("a line has the name of a host, the serial number of its certificate, its end, the hash of its key and when it was revoked")
	}
	serial, ok := new(big.Int).SetString(f[1], 16)
	if !ok {
		return h, fmt.Errorf("%q is no serial number", f[1])
	}
	if _, err := readHash(f[3]); err != nil {
		return h, err
	}
	h = resource.AgentHost{Name: f[0], Serial: f[1], Issued: time.Unix(0, serialTime(serial)).UTC(), Key: f[3]}
	if h.Expires, err = time.Parse(time.RFC3339, f[2]); err != nil {
		return h, err
	}
	revoked, err := strconv.ParseInt(f[4], 10, 64)
	if err == nil && revoked != 0 {
		h.Revoked = time.Unix(0, revoked).UTC()
	}
	return h, err
}

// readJoin reads a line "HASH CREATED EXPIRES USES USED HOST NAME".
func readJoin(_ int, line string) (k resource.AgentToken, err error) {
	f := strings.Fields(line)
	if len(f) != 7 {
		return k, errors.New("a line has a hash, when the token was made and ends, how often it may be used and was, a host or *, and a name")
	}
	if _, err := readHash(f[0]); err != nil {
		return k, err
	}
	k = resource.AgentToken{Name: f[6], Hash: f[0], Host: strings.TrimPrefix(f[5], "*")}
	var errs [4]error
	k.Created, errs[0] = time.Parse(time.RFC3339, f[1])
	k.Expires, errs[1] = time.Parse(time.RFC3339, f[2])
	k.Uses, errs[2] = strconv.Atoi(f[3])
	k.Used, errs[3] = strconv.Atoi(f[4])
	return k, errors.Join(errs[:]...)
}
