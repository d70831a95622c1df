import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INITIAL_STATE, type StepEvent, type StepState, transition } from './step-state.ts';

const STARTED: StepEvent = { type: 'started', group: 7 };
const ENDED: StepEvent = { type: 'ended', exitCode: 3 };
const STOP: StepEvent = { type: 'stop' };
const CLOSED: StepEvent = { type: 'closed' };

/** Returns the state after each event, each followed by the actions of its transition: `running supervise, …`. */
function trace(...events: StepEvent[]): string {
  let state: StepState = INITIAL_STATE;
  return events
    .map((event) => {
      const next = transition(state, event);
      state = next.state;
      return [state.name, ...next.actions].join(' ');
    })
    .join(', ');
}

const cases: { readonly name: string; readonly events: StepEvent[]; readonly expected: string }[] = [
  {
    name: 'a step that ends by itself is drained and closed',
    events: [STARTED, ENDED, CLOSED],
    expected: 'running supervise, draining drain, closed',
  },
  {
    name: 'when a running step is stopped, its process group is ended',
    events: [STARTED, STOP, ENDED, CLOSED],
    expected: 'running supervise, stopping startStopTimeout endGroup, draining drain, closed',
  },
  {
    name: 'a step that is stopped while it starts is ended as soon as its start is reported',
    events: [STOP, STARTED, ENDED],
    expected: 'stopping startStopTimeout withdraw, stopping endGroup, draining drain',
  },
  {
    name: 'a second stop changes nothing',
    events: [STARTED, STOP, STOP],
    expected: 'running supervise, stopping startStopTimeout endGroup, stopping',
  },
  {
    name: 'a stop after the end is applied once, to the processes that the step left running',
    events: [STARTED, ENDED, STOP, STOP],
    expected: 'running supervise, draining drain, draining startStopTimeout endGroup, draining',
  },
  {
    name: 'a shell that closes before the start stays closed',
    events: [CLOSED, STARTED, STOP],
    expected: 'closed, closed, closed',
  },
];
for (const { name, events, expected } of cases) test(name, () => assert.equal(trace(...events), expected));

test('the closed state contains the exit code and the process group if they were reported', () => {
  const closeAfter = (...events: StepEvent[]) =>
    [...events, CLOSED].reduce((state, event) => transition(state, event).state, INITIAL_STATE);
  assert.deepEqual(closeAfter(), { name: 'closed', group: null, exitCode: null });
  assert.deepEqual(closeAfter(STARTED), { name: 'closed', group: 7, exitCode: null });
  assert.deepEqual(closeAfter(STARTED, ENDED), { name: 'closed', group: 7, exitCode: 3 });
});
