import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { classesQuery } from '../api/queries';
import { ClassLabels } from './classes';

/** The declared classes, as far as they are known yet. */
export function useClasses(): ClassLabels {
  const { data } = useQuery(classesQuery);
  return useMemo(() => new ClassLabels(data?.items ?? []), [data]);
}
