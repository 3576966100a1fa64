import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

/** A way to a resource's page. */
export function ResourceLink({ id, children, className }: { id: number; children: ReactNode; className?: string | undefined }) {
  return (
    <Link to="/resource/$id" params={{ id: String(id) }} className={className}>
      {children}
    </Link>
  );
}
