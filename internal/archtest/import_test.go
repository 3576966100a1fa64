package archtest

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Packages that hold no code of the program: anybody's tests may use them, the
// program may not.
var testPackages = []string{"internal/api/apitest", "internal/store/storetest", "internal/store/postgres/pgtest", "internal/link/linktest", "internal/install/sshtest", "internal/fleettest", "internal/builtin/linux/scan/scantest", "sdk/plugintest", "sdk/internal/transcript"}

// rules says for each package what it may import from this repository, its own
// subfolders apart. The first row that fits counts; a package without a row is an
// error, so that a new one gets its place on purpose.
var rules = []struct {
	packages []string
	imports  []string
	why      string
}{
	{
		[]string{"internal/resource", "internal/feed", "internal/inventory/graph", "internal/config", "internal/secret", "internal/skeleton", "internal/archtest", "sdk/wire"},
		nil,
		"vocabulary and tools stand on their own, so that every stage can share them",
	},
	{
		[]string{"internal/pluginhost", "internal/record"},
		[]string{"sdk/wire"},
		"they know processes, lines and files; what they mean is the business of session",
	},
	{
		[]string{"internal/conform"},
		[]string{"internal/pluginhost", "sdk/mirror", "sdk/wire"},
		"it plays the host of one plugin, by the protocol alone, and judges what it sees",
	},
	{
		[]string{"internal/install", "internal/install/sshtest"},
		nil,
		"it knows files, commands and SSH; registration and contact are what the wiring gives it",
	},
	{
		[]string{"internal/agent"},
		[]string{"sdk/wire"},
		"it asks device plugins; processes and the link are what the wiring gives it",
	},
	{
		[]string{"internal/session"},
		[]string{"internal/resource", "sdk/wire"},
		"it is the one translator between the wire and the vocabulary",
	},
	{
		[]string{"internal/lint"},
		[]string{"sdk/wire"},
		"it goes by manifests, whatever runs the plugin",
	},
	{
		[]string{"internal/inventory", "internal/alert", "internal/volume", "internal/metrics", "internal/auth", "internal/link"},
		[]string{"internal/resource", "internal/feed"},
		"stages do not know each other, so the data flows one way",
	},
	{
		[]string{"internal/metrics/history", "internal/metrics/otlp", "internal/metrics/dashboard"},
		[]string{"internal/metrics", "internal/resource"},
		"the database behind the stage, what sends samples elsewhere, and what asks for the classes' charts",
	},
	{
		[]string{"internal/metrics/history/promapi"},
		[]string{"internal/metrics", "internal/metrics/history", "internal/resource"},
		"Prometheus' handler over its database",
	},
	{
		[]string{"internal/link/httplink", "internal/link/linktest"},
		[]string{"internal/link", "internal/resource"},
		"a way to carry a link, and the suite for such ways",
	},
	{
		[]string{"internal/simhost"},
		[]string{"internal/link/...", "internal/auth", "internal/builtin/linux/fact", "internal/builtin/lustre/fact"},
		"it plays hosts: their device plugins and their agents",
	},
	{
		[]string{"internal/fleettest"},
		[]string{"internal/link/...", "internal/auth", "internal/resource"},
		"simulated hosts, for tests of the server's end",
	},
	{
		[]string{"internal/fleettest"},
		[]string{"internal/fleettest", "internal/auth", "internal/link", "internal/link/httplink", "internal/builtin/linux/fact"},
		"simulated hosts, for tests and measurements",
	},
	{
		[]string{"internal/plugindoc"},
		[]string{"internal/resource"},
		"it describes classes, wherever they come from",
	},
	{
		[]string{"internal/store/..."},
		[]string{"internal/resource", "internal/store/row", "internal/store/dump"},
		"an adapter knows the vocabulary only",
	},
	{
		[]string{"internal/api/apitest"},
		[]string{"internal/api/...", "internal/resource", "internal/feed"},
		"a world for tests of the API",
	},
	{
		[]string{"internal/api/..."},
		[]string{"internal/api/gen", "internal/resource"},
		"the API asks by interfaces; it never sees a store or a stage's own type",
	},
	{
		[]string{"internal/builtin/linux/fact"},
		nil,
		"vocabulary between a host and the server",
	},
	{
		[]string{"internal/builtin/linux/scan/..."},
		[]string{"internal/builtin/linux/fact", "internal/builtin/linux/scan/...", "internal/builtin/lazyregexp", "sdk/agent"},
		"it is the host's side: a device plugin, written with the public SDK",
	},
	{
		[]string{"internal/builtin/...", "examples/..."},
		[]string{"sdk/plugin", "sdk/agent", "sdk/plugintest", "sdk/wire", "examples/...", "internal/builtin/..."},
		"they are written with the public SDK, as any vendor's plugin is",
	},
	{
		[]string{"docs/..."},
		[]string{"sdk/plugin", "sdk/agent", "sdk/plugintest"},
		"its snippets are what authors write",
	},
	{
		[]string{"sdk/plugin", "sdk/agent"},
		[]string{"sdk/wire", "sdk/internal/..."},
		"plugin authors must not inherit what the server needs",
	},
	{
		[]string{"sdk/internal/..."},
		[]string{"sdk/wire"},
		"what the SDK's packages share, below them",
	},
	{
		[]string{"sdk/mirror"},
		[]string{"sdk/wire"},
		"it is made of batches, whoever sent them",
	},
	{
		[]string{"sdk/plugintest"},
		[]string{"sdk/plugin", "sdk/mirror", "sdk/wire"},
		"plugin authors must not inherit what the server needs",
	},
	{
		[]string{"protocol/..."},
		[]string{"sdk/wire", "protocol/rule"},
		"the schemas are made from the wire types, the constants of the SDKs from the rules",
	},
	{
		[]string{"python", "web"},
		nil,
		"they only carry files",
	},
	{
		[]string{"internal/app"},
		[]string{"internal/...", "sdk/wire", "sdk/plugin", "protocol/rule", "examples/acme/...", "examples/example", "python", "web"},
		"the wiring knows everything, except the command line above it",
	},
	{
		[]string{"internal/cli"},
		[]string{"internal/app", "internal/config", "internal/auth", "internal/skeleton", "internal/conform", "internal/simhost", "internal/api/gen", "examples/acme/...", "protocol/rule"},
		"the command line parses, prints and calls; it reaches the stages through app only",
	},
	{
		[]string{"cmd/faultline"},
		[]string{"internal/cli"},
		"main is nothing; the program is a value",
	},
	{
		[]string{"e2e/vm"},
		[]string{"internal/builtin/linux/fact", "internal/agent", "internal/pluginhost", "sdk/wire"},
		"it plays the agent for a device plugin that it starts from outside",
	},
	{
		[]string{"e2e"},
		[]string{"internal/cli", "examples/..."},
		"it tests the program from outside",
	},
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		row := slices.IndexFunc(rules, func(r struct {
			packages, imports []string
			why               string
		}) bool {
			return withinAny(p.dir, r.packages)
		})
		if row < 0 {
			t.Errorf("package %s has no rule in internal/archtest/import_test.go: decide what it may import", p.dir)
			continue
		}
		rule := rules[row]
		for imported, file := range p.imports() {
			switch {
			case !isOurs(imported), strings.HasPrefix(imported, p.dir+"/") && !slices.Contains(testPackages, imported):
			case p.dir == "internal/app" && imported == "internal/cli", !withinAny(imported, rule.imports):
				t.Errorf("%s imports %s, but %s may import only %q: %s", file, imported, p.dir, rule.imports, rule.why)
			case slices.Contains(testPackages, imported) && !slices.Contains(testPackages, p.dir):
				t.Errorf("%s imports %s, which is for tests", file, imported)
			}
		}
	}
}

// TestRulesAreUsed keeps the table from naming what is no more. Packages that the
// design has a place for already may be missing.
func TestRulesAreUsed(t *testing.T) {
	t.Parallel()
	planned := []string{"e2e"}
	list := load(t)
	for _, r := range rules {
		for _, pattern := range r.packages {
			if !slices.Contains(planned, pattern) && !slices.ContainsFunc(list, func(p *goPackage) bool { return within(p.dir, pattern) }) {
				t.Errorf("the rules name %s, which does not exist", pattern)
			}
		}
	}
}

// owners says who alone may import a library, or a folder of it.
var owners = []struct {
	library  string
	packages []string
	why      string
}{
	{"modernc.org/sqlite", []string{"internal/store/sqlite"}, "only the store speaks SQL"},
	{"database/sql", []string{"internal/store/..."}, "only the store speaks SQL"},
	{"github.com/pressly/goose/v3", []string{"internal/store/..."}, "only the store migrates"},
	{"github.com/jackc/pgx/v5", []string{"internal/store/postgres/..."}, "only the store speaks SQL"},
	{"filippo.io/age", []string{"internal/store/dump", "internal/app"}, "backups are encrypted, and nothing else by this"},
	{"github.com/prometheus/prometheus", []string{"internal/metrics/history/..."}, "the time-series database stays behind one package, and who serves its API"},
	{"go.opentelemetry.io", []string{"internal/metrics/otlp"}, "the exporter stays behind one package"},
	{"github.com/prometheus/client_golang", []string{"internal/metrics/history", "internal/metrics/otlp", "internal/app"}, "the figures of the server about itself are put together in the wiring"},
	{"github.com/prometheus/procfs", []string{"internal/pluginhost"}, "who needs /proc says so here"},
	{"github.com/creachadair/jrpc2", []string{"internal/pluginhost", "sdk/plugin", "sdk/agent", "sdk/internal/stdio"}, "the protocol ends at the two sides of the pipe"},
	{"github.com/spf13/cobra", []string{"internal/cli"}, "only the command line parses flags"},
	{"github.com/spf13/pflag", []string{"internal/cli"}, "only the command line parses flags"},
	{"github.com/jedib0t/go-pretty/v6", []string{"internal/cli"}, "only the command line draws tables"},
	{"golang.org/x/tools", []string{"protocol/rule"}, "the register of rules is in txtar files"},
	{"github.com/goccy/go-yaml", []string{"internal/api", "internal/cli", "internal/config"}, "configuration, the description of the API, and -o yaml"},
	{"github.com/oapi-codegen/runtime", []string{"internal/api/gen"}, "only generated code needs it"},
	{"github.com/skeema/knownhosts", []string{"internal/install"}, "files of known hosts have authorities and patterns; only who speaks SSH reads them"},
	{"golang.org/x/sync", []string{"internal/app"}, "agents wait for room in the order in which they came"},
	{"os/exec", []string{"internal/install/...", "internal/pluginhost", "internal/builtin/linux/scan/source", "internal/cli", "internal/store/storetest", "internal/store/postgres/pgtest", "sdk/internal/transcript"}, "processes are started where they are supervised"},
	{"log", nil, "logs are structured: log/slog"},
	{"unsafe", []string{"sdk/plugin"}, "only to find the field that a pointer of Describe means"},
	{"math/rand", nil, "math/rand/v2, or crypto/rand for what must not be guessed"},
	{"io/ioutil", nil, "io and os have all of it"},
	{"github.com/pkg/errors", nil, "errors and fmt have all of it"},
}

func TestOwners(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for imported, file := range p.imports() {
			for _, o := range owners {
				if within(imported, o.library+"/...") && !(o.library == "log" && imported != "log") && !(o.library == "math/rand" && imported != "math/rand") &&
					!withinAny(p.dir, o.packages) {
					t.Errorf("%s imports %s, which only %q may: %s", file, imported, o.packages, o.why)
				}
			}
		}
	}
}

// TestSDKLibraries: a plugin author's program links the SDK and one library.
func TestSDKLibraries(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if !within(p.dir, "sdk/...") && !within(p.dir, "examples/...") && !within(p.dir, "internal/builtin/...") {
			continue
		}
		for imported, file := range p.imports() {
			if within(p.dir, "internal/builtin/linux/scan/...") && within(imported, "golang.org/x/sys/...") {
				continue // it asks the kernel of the host that it reports
			}
			if !isStandard(imported) && !isOurs(imported) && !within(imported, "github.com/creachadair/jrpc2/...") {
				t.Errorf("%s imports %s: plugins and their SDK use the standard library and jrpc2 only", file, imported)
			}
		}
	}
}

// TestProgramForAgents: what every storage server runs has none of the libraries of
// the database of statistics and of OTLP, nor of the clouds that these know.
func TestProgramForAgents(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "agent", "./cmd/faultline")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, modulePath+"internal/app") {
		t.Fatalf("%d packages, without internal/app", len(deps))
	}
	for _, dep := range deps {
		for _, unwanted := range []string{"github.com/prometheus/prometheus/", "github.com/aws/", "github.com/Azure/", "google.golang.org/grpc", modulePath + "internal/metrics/history", "go.opentelemetry.io/otel/exporters", modulePath + "internal/metrics/otlp"} {
			if strings.HasPrefix(dep, unwanted) {
				t.Errorf("the program for agents has %s", dep)
			}
		}
	}
}

// TestNoTestCode: what tests need is not linked into the program.
func TestNoTestCode(t *testing.T) {
	t.Parallel()
	libraries := []string{"testing/...", "net/http/httptest", "github.com/google/go-cmp/...", "pgregory.net/rapid", "github.com/rogpeppe/go-internal/..."}
	for _, p := range load(t) {
		if slices.Contains(testPackages, p.dir) {
			continue
		}
		for imported, file := range p.imports() {
			if withinAny(imported, libraries) {
				t.Errorf("%s imports %s, which is for tests", file, imported)
			}
		}
	}
}
