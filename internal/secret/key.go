package secret

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	keySize    = 32
	fileHeader = "faultline-key-v1 "
)

// OpenFile returns the box of the key in the file at path. If there is no such
// file it makes one with a new key, mode 0600, complete or not at all. It
// refuses a file that others than its owner can use.
//
// The file is one line, "faultline-key-v1 " and 64 hexadecimal digits. What is
// sealed is lost with it.
func OpenFile(path string) (*Box, error) {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return nil, fmt.Errorf("create key file %s: %w", path, err)
		}
		key, err = readKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read key file %s: %w", path, err)
	}
	return New(key)
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("its mode is %04o, so others can use the key; run chmod 600 on it, and change the passwords if others may have read it", st.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, err
	}
	digits, ok := strings.CutPrefix(string(text), fileHeader)
	if !ok {
		return nil, fmt.Errorf("it does not start with %q", fileHeader)
	}
	key, err := hex.DecodeString(strings.TrimSuffix(digits, "\n"))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("it does not hold %d hexadecimal digits; bring it back from a backup", 2*keySize) // and not what it holds
	}
	return key, nil
}

// createKey writes a new key to a file of another name and gives it the right
// one only if no other process was faster.
func createKey(path string) (err error) {
	key := make([]byte, keySize)
	rand.Read(key)
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = fmt.Fprintf(f, "%s%x\n", fileHeader, key)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
