// Package secret seals texts, such as the passwords of controllers, under a key
// that lies in a file of the data directory, so that the database, its backups
// and the logs have them only in sealed form.
//
// A sealed text is "sealed:v1:" and, in base64 without padding (URL alphabet),
// a nonce of 12 bytes and the AES-256-GCM ciphertext of the padded text. The
// purpose is authenticated: what was sealed for one purpose does not open for
// another.
//
// # Equal texts seal equally
//
// The nonce is an HMAC of purpose and text instead of a random number. So a
// scan that reports the same password again changes nothing, and no two texts
// share a nonce, which GCM must have. The price: who reads the database sees
// which secrets of one purpose are equal, and, by the padding, their length
// only in steps of 32 bytes. A guess cannot be tried without the key.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

const (
	prefix    = "sealed:v1:"
	nonceSize = 12
	padding   = 32
)

// ErrSealed says that a sealed text does not open: it is damaged, or was sealed
// under another key or for another purpose. Errors never hold any of the text.
var ErrSealed = errors.New("the sealed text does not open: it is damaged, or of another key or purpose")

// Box seals and opens. Its methods are safe for concurrent use.
type Box struct {
	key []byte
}

// New returns the box of a key of 32 random bytes.
func New(key []byte) (*Box, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("a key has %d bytes, not %d", keySize, len(key))
	}
	return &Box{key: append([]byte(nil), key...)}, nil
}

// IsSealed reports whether the text has the form of a sealed one.
func IsSealed(s string) bool { return strings.HasPrefix(s, prefix) }

// Seal returns the sealed form of a text. The purpose says what the text is
// for, for instance the class and the attribute; Open must be given the same.
func (b *Box) Seal(purpose, plain string) string {
	aead, nonceKey := b.keys(purpose)
	mac := hmac.New(sha256.New, nonceKey)
	mac.Write([]byte(plain))
	out := mac.Sum(nil)[:nonceSize:nonceSize]
	out = aead.Seal(out, out, pad(plain), []byte(purpose))
	return prefix + base64.RawURLEncoding.EncodeToString(out)
}

// Open returns the text that was sealed for the purpose, or ErrSealed.
func (b *Box) Open(purpose, sealed string) (string, error) {
	text, ok := strings.CutPrefix(sealed, prefix)
	if !ok || strings.ContainsAny(text, "\r\n") { // which the decoder would pass over
		return "", ErrSealed
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < nonceSize {
		return "", ErrSealed
	}
	aead, _ := b.keys(purpose)
	padded, err := aead.Open(nil, raw[:nonceSize], raw[nonceSize:], []byte(purpose))
	if err != nil {
		return "", ErrSealed
	}
	return unpad(padded)
}

// keys derives the keys of a purpose: one to encrypt, one to make nonces.
func (b *Box) keys(purpose string) (cipher.AEAD, []byte) {
	// No step can fail with keys of these sizes.
	both, err := hkdf.Key(sha256.New, b.key, nil, "faultline secret v1\x00"+purpose, 2*keySize)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(both[:keySize])
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead, both[keySize:]
}

// pad puts the length before the text and fills up to a multiple of padding.
func pad(plain string) []byte {
	n := 4 + len(plain)
	out := make([]byte, (n+padding-1)/padding*padding)
	binary.BigEndian.PutUint32(out, uint32(len(plain)))
	copy(out[4:], plain)
	return out
}

func unpad(b []byte) (string, error) {
	if len(b) < 4 {
		return "", ErrSealed
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return "", ErrSealed
	}
	return string(b[4 : 4+n]), nil
}
