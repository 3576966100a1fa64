package acme

import (
	"encoding/base64"
	"errors"
	"strings"
)

const (
	obfuscated = "acme1:" // before an obfuscated password, and says how it was made
	pad        = "Acme array"
)

// Obfuscate hides a password from a casual look (guide, "Password"). It is no
// encryption: whoever has the program can undo it. Faultline itself encrypts
// what it stores. The Python plugin does the same, so that either can read
// what the other stored.
func Obfuscate(password string) string {
	return obfuscated + base64.StdEncoding.EncodeToString(mask(password))
}

// Reveal undoes Obfuscate.
func Reveal(stored string) (string, error) {
	text, ok := strings.CutPrefix(stored, obfuscated)
	b, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		return "", errors.New("the stored password was not made by this plugin; enter it again")
	}
	return string(mask(string(b))), nil
}

// mask is its own inverse.
func mask(s string) []byte {
	b := []byte(s)
	for i := range b {
		b[i] ^= pad[i%len(pad)]
	}
	return b
}
