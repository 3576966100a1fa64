package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// unload has the sessions of the plugin torn down and ends its process. What they
// reported stays, as old as it is.
func (p *plugin) unload(ctx context.Context) error {
	p.acting.Lock()
	defer p.acting.Unlock()
	p.mu.Lock()
	v := p.version
	p.version, p.broken = nil, errUnloaded
	p.signal()
	p.mu.Unlock()
	p.set.o.changed(p.name)
	if v == nil {
		return nil
	}
	return p.end(ctx, v)
}

// load starts a plugin that was unloaded, or could not run, from its path as it
// is now, and waits until it runs or cannot.
func (p *plugin) load(ctx context.Context) error {
	p.acting.Lock()
	defer p.acting.Unlock()
	spec, err := p.resolve()
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.version == nil && !errors.Is(p.broken, errUnloaded) {
			p.broken = err
		}
		return err
	}
	v := p.newVersion(spec)
	p.mu.Lock()
	old := p.version
	if old != nil && old.serving != nil {
		p.mu.Unlock()
		return resource.Errorf(resource.Conflict, "plugin %s runs already; reload it to take a new version in", p.name)
	}
	v.adopted = true
	p.version, p.broken, p.kind, p.rejected = v, nil, spec.Kind, nil
	p.signal()
	p.mu.Unlock()
	p.set.o.changed(p.name)
	if old != nil {
		if err := p.end(ctx, old); err != nil {
			return err
		}
	}
	p.begin(v)
	return p.outcome(ctx, v)
}

// reload takes the plugin in as its files are now. The new version is started
// beside the one that runs, and accept, which sees what it declares, decides; if
// it does not start, or is not accepted, the old one goes on. Then the sessions
// move: each ends after the hook that runs, with its teardown, and is opened anew
// on the new version. Where the declarations changed, all of them leave before the
// first one is opened again.
func (p *plugin) reload(ctx context.Context, accept func(*version) error) (err error) {
	p.acting.Lock()
	defer p.acting.Unlock()
	defer func() {
		if errors.Is(err, errOnlyLooked) || ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.rejected = err
	}()
	v, err := p.candidate(ctx)
	if err != nil {
		return err
	}
	if err = accept(v); err == nil {
		err = p.replace(ctx, v)
	}
	if err != nil {
		_ = p.end(context.WithoutCancel(ctx), v) // nobody uses it
	}
	return err
}

// candidate starts another version of the plugin, which serves no sessions, and
// returns it when it has shown what it declares.
func (p *plugin) candidate(ctx context.Context) (*version, error) {
	spec, err := p.resolve()
	if err != nil {
		return nil, err
	}
	v := p.newVersion(spec)
	p.set.mu.Lock()
	p.set.start(v)
	runs := v.stop != nil
	p.set.mu.Unlock()
	if !runs {
		return nil, resource.Errorf(resource.Unavailable, "plugin %s cannot be loaded: this server runs no plugins", p.name)
	}
	err = p.wait(ctx, func() bool { return v.proc != nil || v.broken != nil })
	p.mu.Lock()
	if v.proc == nil && err == nil {
		err = p.cannotRun(v.broken)
	}
	p.mu.Unlock()
	if err != nil {
		_ = p.end(context.WithoutCancel(ctx), v) // nobody uses it
		return nil, err
	}
	return v, nil
}

// replace puts a candidate in charge. On an error the old version still is.
func (p *plugin) replace(ctx context.Context, v *version) error {
	p.mu.Lock()
	old := p.version
	var in *instance
	if old != nil && !sameManifest(old.manifest, v.manifest) {
		// What sessions report is read by the declarations that they began with.
		in, p.moving = old.serving, true
		if in != nil {
			close(in.retired)
			old.serving = nil
		}
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.moving = false
		p.signal()
	}()
	var err error
	if in != nil {
		err = p.wait(ctx, func() bool { return in.users == 0 })
	}
	if err == nil {
		err = p.adopt(ctx, v)
	}
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if in != nil && old.proc == in.proc {
			old.serve(nil)
		}
		return err
	}
	if old != nil {
		p.retire(old)
	}
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	p.set.announce(p.name)
	return nil
}

// adopt puts a version in charge, if its declarations are accepted.
func (p *plugin) adopt(ctx context.Context, v *version) error {
	p.declaring.Lock()
	defer p.declaring.Unlock()
	p.mu.Lock()
	proc := v.proc
	p.mu.Unlock()
	if proc == nil {
		return p.cannotRun(errors.New("its new version ended before it took over"))
	}
	if err := p.set.o.declare(ctx, p.name, v.manifest, proc); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.proc == nil { // then it is started again, as any version in charge
		v.log().Warn("the plugin's new version ended while it took over")
	} else {
		v.log().Info("the plugin's new version is running", "pid", v.proc.Pid())
	}
	v.adopted, p.version, p.broken, p.kind = true, v, nil, v.spec.Kind
	v.serve(nil)
	return nil
}

// sameManifest reports whether two versions declare the same.
func sameManifest(a, b wire.Manifest) bool {
	ta, err := a.Canonical()
	if err != nil {
		return false
	}
	tb, err := b.Canonical()
	return err == nil && bytes.Equal(ta, tb)
}

// resolve finds the plugin's files.
func (p *plugin) resolve() (pluginhost.Spec, error) {
	p.setTried(fingerprint(p.path))
	spec, err := pluginhost.Resolve(p.path, p.set.o.resolve)
	if err == nil && p.from == fromFolder {
		err = vet(p.path)
	}
	if err == nil && spec.Name != p.name {
		err = fmt.Errorf("plugin %s: its name is %s now; load it as another plugin", p.path, spec.Name)
	}
	if err != nil {
		return spec, &resource.Fault{Kind: resource.Unavailable, Text: "plugin " + p.name + " cannot be loaded", Cause: err}
	}
	return spec, nil
}

// ready waits until a plugin that was just added runs or cannot.
func (p *plugin) ready(ctx context.Context) error {
	p.mu.Lock()
	v, broken := p.version, p.broken
	p.mu.Unlock()
	switch {
	case v == nil:
		return p.cannotRun(broken)
	case v.waits():
		return nil
	}
	return p.outcome(ctx, v)
}

// begin starts a version's process and wakes the sessions that wait for it.
func (p *plugin) begin(v *version) {
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	p.set.start(v)
	p.set.announce(p.name)
}

// outcome waits until a version's process serves sessions or cannot be started.
func (p *plugin) outcome(ctx context.Context, v *version) (err error) {
	werr := p.wait(ctx, func() bool {
		st := v.sup.Status()
		switch {
		case v.serving != nil:
			return true
		case v.broken != nil:
			err = p.cannotRun(v.broken)
		case st.LastError != nil:
			err = p.cannotRun(st.LastError)
		}
		return err != nil
	})
	if werr != nil {
		return werr
	}
	return err
}

// end is retire, and waits for it until ctx ends.
func (p *plugin) end(ctx context.Context, v *version) error {
	if !p.retire(v) {
		return nil
	}
	select {
	case <-v.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retire has sessions leave a version that is not in charge, and its process
// ended when they have. It reports whether there is a process to wait for.
func (p *plugin) retire(v *version) bool {
	p.mu.Lock()
	in := v.serving
	if in != nil {
		close(in.retired)
	}
	p.mu.Unlock()
	return p.set.spawn(v, func(running context.Context) {
		if in != nil {
			_ = p.wait(running, func() bool { return in.users == 0 }) // with the server, all ends
		}
		v.stop()
	})
}
