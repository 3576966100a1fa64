package memory_test

import (
	"testing"

	"github.com/faultline-storage/faultline/internal/store/memory"
	"github.com/faultline-storage/faultline/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Store { return memory.New() })
}
