package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/config"
)

// dataFlags are the flags that say where a server's data is.
type dataFlags struct{ file, data, store string }

func (f *dataFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.file, "config", os.Getenv("FAULTLINE_CONFIG"), "configuration `file` of the server")
	fs.StringVar(&f.data, "data", "", "data `folder` of the server")
	fs.StringVar(&f.store, "store", "", "PostgreSQL database of the server, postgres://`host`/name")
}

// load returns the settings of the server; errors are misuse.
func (f *dataFlags) load(cmd *cobra.Command) (config.Config, error) {
	c, err := config.Load(f.file, os.Getenv)
	if err != nil {
		return c, misuse{err}
	}
	if cmd.Flags().Changed("data") {
		c.Data = f.data
	}
	if cmd.Flags().Changed("store") {
		c.Store = f.store
	}
	if err := c.Check(); err != nil {
		return c, misuse{err}
	}
	return c, nil
}

func newBackup(c *console) *cobra.Command {
	var where dataFlags
	var to []string
	var passphrase string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a backup of the server's database to a new file, also while the server runs",
		Long: "Write a backup of the server's database to a new file, also while the server runs.\n" +
			"It is read directly, from the data folder or from PostgreSQL, as of one commit, and\n" +
			"`faultline restore` puts it into either. Passwords of controllers are in it as they are\n" +
			"in the database: sealed. With --recipient or --passphrase-file the file is encrypted\n" +
			"(age) and has the key of the passwords, too; otherwise keep secret.key besides.",
		Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := where.load(cmd)
			if err != nil {
				return err
			}
			o := app.BackupOptions{Config: cfg, Version: Version, Recipients: to}
			if passphrase != "" && len(to) > 0 {
				return misusef("--recipient and --passphrase-file exclude each other")
			}
			if o.Passphrase, err = readPassphrase(passphrase); err != nil {
				return err
			}
			sum, err := app.Backup(cmd.Context(), args[0], o)
			if err != nil {
				return fmt.Errorf("backup: %w", err)
			}
			fmt.Fprintf(c.out, "backed up %d resources and %d alerts to %s\n", sum.Resources, sum.Alerts, args[0])
			if !sum.Key {
				fmt.Fprintf(c.err, "The key of the passwords is not in it: keep %s/secret.key, too, in another place.\n", strings.TrimSuffix(cfg.Data, "/"))
			}
			return nil
		},
	}
	where.add(cmd)
	cmd.Flags().StringArrayVar(&to, "recipient", nil, "encrypt for this public `key` (age1...); repeatable")
	cmd.Flags().StringVar(&passphrase, "passphrase-file", "", "encrypt with the passphrase in this `file`")
	return cmd
}

func newRestore(c *console) *cobra.Command {
	var where dataFlags
	var identity, passphrase string
	var replace, check bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup into the server's database, while no server runs on it",
		Long: "Put a backup into the server's database, while no server runs on it. The file is\n" +
			"checked as a whole first; if anything is wrong nothing is changed. A backup of one\n" +
			"engine restores into the other: this moves a server from SQLite to PostgreSQL.",
		Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := where.load(cmd)
			if err != nil {
				return err
			}
			o := app.RestoreOptions{Config: cfg, Replace: replace, Check: check}
			if o.Passphrase, err = readPassphrase(passphrase); err != nil {
				return err
			}
			if identity != "" {
				b, err := os.ReadFile(identity)
				if err != nil {
					return misuse{err}
				}
				o.Identities = string(b)
			}
			sum, err := app.Restore(cmd.Context(), args[0], o)
			if err != nil {
				return fmt.Errorf("restore: %w", err)
			}
			did := "restored"
			if check {
				did = "found"
			}
			fmt.Fprintf(c.out, "%s %d resources and %d alerts, as of %s\n", did, sum.Resources, sum.Alerts, sum.Created.Format(time.RFC3339))
			if sum.OtherKey {
				fmt.Fprintf(c.err, "The restored passwords are sealed under another key than %s/secret.key: put the file of the server that was\n"+
					"backed up in its place before you start the server, or give the passwords and register all hosts again.\n", strings.TrimSuffix(cfg.Data, "/"))
			}
			return nil
		},
	}
	where.add(cmd)
	cmd.Flags().StringVar(&identity, "identity", "", "`file` of the key (age) that the backup is encrypted for")
	cmd.Flags().StringVar(&passphrase, "passphrase-file", "", "`file` of the passphrase that the backup is encrypted with")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace what the database holds")
	cmd.Flags().BoolVar(&check, "check", false, "only check the file")
	return cmd
}

// readPassphrase reads the first line of a file; no file has none.
func readPassphrase(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", misuse{err}
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", misuse{errors.New(file + ": its first line, the passphrase, is empty")}
	}
	return line, nil
}
