package cli

import (
	"context"
	"net"
	"strings"
	"time"
)

// fullName asks the resolver for the name with the domain of this host.
func fullName(short string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	name, err := net.DefaultResolver.LookupCNAME(ctx, short)
	if err != nil {
		return "", err
	}
	name = strings.TrimSuffix(name, ".")
	if !strings.Contains(name, ".") || !strings.HasPrefix(strings.ToLower(name), strings.ToLower(short)+".") {
		return short, nil
	}
	return name, nil
}
