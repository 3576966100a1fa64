import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schema } from '../../api/client';
import { at } from '../../api/queries';

/** A way to the page of a plugin where it runs. */
export function PluginLink({ plugin, children, className }: { plugin: Pick<Schema['Plugin'], 'name' | 'runner'>; children: ReactNode; className?: string | undefined }) {
  return (
    <Link to="/plugins/$name" params={{ name: plugin.name }} search={at(plugin.runner)} className={className}>
      {children}
    </Link>
  );
}
