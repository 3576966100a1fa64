import { IconArrowBackUp, IconCircle, IconCircleCheck, IconCircleDashed, IconCircleMinus, IconCircleX } from '@tabler/icons-react';
import type { Schema } from '../../api/client';
import classes from './StepMark.module.css';

type State = Schema['InstallationStep']['state'];

const marks: Record<State, { icon: typeof IconCircle; name: string }> = {
  planned: { icon: IconCircleDashed, name: 'Planned' },
  begun: { icon: IconCircle, name: 'Begun' },
  done: { icon: IconCircleCheck, name: 'Done' },
  kept: { icon: IconCircleMinus, name: 'Kept as it was' },
  failed: { icon: IconCircleX, name: 'Failed' },
  undone: { icon: IconArrowBackUp, name: 'Undone' },
  'not undone': { icon: IconCircleX, name: 'Not undone' },
};

/** How far a step of an installation is. */
export function StepMark({ state }: { state: State }) {
  const { icon: Icon, name } = marks[state];
  return <Icon size={16} role="img" aria-label={name} className={classes['mark']} data-state={state} />;
}
