package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/faultline-storage/faultline/examples/acme/sim"
)

// array is a simulated disk array that serves.
type array struct {
	url, password string
	stop          func()
}

func startArray(ts *testscript.TestScript, args []string) {
	var o sim.Options
	fs := flag.NewFlagSet("array", flag.ContinueOnError)
	fs.IntVar(&o.Disks, "disks", sim.DefaultDisks, "")
	fs.StringVar(&o.Password, "password", "", "")
	ts.Check(fs.Parse(args))
	a, err := sim.New(o)
	ts.Check(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = a.Serve(ctx, l) // it ends with the script
	}()
	w := worldOf(ts)
	w.array = &array{url: "http://" + l.Addr().String(), password: o.Password, stop: func() { cancel(); <-ended }}
	ts.Setenv("ARRAY", w.array.url)
}

func strike(ts *testscript.TestScript, args []string) {
	a := worldOf(ts).array
	if a == nil {
		ts.Fatalf("there is no array; see array")
	}
	req, err := http.NewRequest(http.MethodPost, a.url+"/api/v1/faults", strings.NewReader(strings.Join(args, " ")))
	ts.Check(err)
	req.SetBasicAuth(sim.DefaultUser, a.password)
	rsp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer rsp.Body.Close()
	if b, _ := io.ReadAll(rsp.Body); rsp.StatusCode >= 300 {
		ts.Fatalf("%s: %s", rsp.Status, b)
	}
}

func makeCertificate(ts *testscript.TestScript, _ []string) {
	ts.Check(writeCertificate(worldOf(ts).dir, net.IPv4(127, 0, 0, 1)))
}

// writeCertificate makes cert.pem and key.pem for an address.
func writeCertificate(dir string, address net.IP) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "faultline test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{address}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
