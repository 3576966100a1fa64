import { AppShell, Burger, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTokenWanted } from '../api/token';
import { Logo } from '../ui/Logo';
import { AlertCounts } from './AlertCounts';
import { ConnectionMark } from './ConnectionMark';
import { Nav } from './Nav';
import { SchemeSwitch } from './SchemeSwitch';
import { Search } from './Search';
import classes from './Shell.module.css';
import { SignIn } from './SignIn';

/** The frame of all pages: header, navigation and the page itself. */
export function Shell() {
  const [open, { toggle, close }] = useDisclosure(false);
  const path = useLocation({ select: (l) => l.pathname });
  const tokenWanted = useTokenWanted();
  // On a phone the navigation covers the page; a choice made there ends that.
  useEffect(close, [path, close]);

  return (
    <AppShell
      header={{ height: { base: 96, sm: 52 } }}
      navbar={{ width: 248, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding={0}
      transitionDuration={0}
      classNames={{ root: classes['root'] ?? '', header: classes['header'] ?? '', navbar: classes['navbar'] ?? '', main: classes['main'] ?? '' }}
    >
      <AppShell.Header>
        <a className={classes['skip']} href="#main">
          Skip to the page
        </a>
        <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={open ? 'Close navigation' : 'Open navigation'} aria-expanded={open} />
        <Link to="/" className={classes['brand']} aria-label="Faultline, overview">
          <Logo />
          <span>Faultline</span>
        </Link>
        <div className={classes['search']}>
          <Search />
        </div>
        <div className={classes['tools']}>
          <AlertCounts />
          <ConnectionMark />
          <SchemeSwitch />
        </div>
      </AppShell.Header>
      <AppShell.Navbar component="nav" aria-label="Main">
        <Nav />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
      <Modal opened={tokenWanted} onClose={() => undefined} withCloseButton={false} closeOnEscape={false} title="Sign in" size="sm">
        <SignIn />
      </Modal>
    </AppShell>
  );
}
