import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INITIAL_STATE, type StepEvent, type StepState, transition } from './step-state.ts';

const STARTED: StepEvent = { type: 'started', group: 7 };
const ENDED: StepEvent = { type: 'ended', exitCode: 3 };
const STOP: StepEvent = { type: 'stop' };
const CLOSED: StepEvent = { type: 'closed' };

/** Returns the state after each event, followed by the actions. */
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

const cases: [string, StepEvent[], string][] = [
  [
    'a step that ends by itself is drained and closed',
    [STARTED, ENDED, CLOSED],
    'running supervise, draining drain, closed',
  ],
  [
    'a step that is stopped ends its process group',
    [STARTED, STOP, ENDED, CLOSED],
    'running supervise, stopping limitStop endGroup, draining drain, closed',
  ],
  [
    'a step that is stopped while it starts is ended as soon as its start is reported',
    [STOP, STARTED, ENDED],
    'stopping limitStop withdraw, stopping endGroup, draining drain',
  ],
  ['a second stop changes nothing', [STARTED, STOP, STOP], 'running supervise, stopping limitStop endGroup, stopping'],
  [
    'a stop after the end is applied once, to the processes that the step left running',
    [STARTED, ENDED, STOP, STOP],
    'running supervise, draining drain, draining limitStop endGroup, draining',
  ],
  ['a shell that closes before the start stays closed', [CLOSED, STARTED, STOP], 'closed, closed, closed'],
];
for (const [name, events, expected] of cases) test(name, () => assert.equal(trace(...events), expected));

test('the closed state contains the exit code and the process group if they were reported', () => {
  const closeAfter = (...events: StepEvent[]) =>
    [...events, CLOSED].reduce((state, event) => transition(state, event).state, INITIAL_STATE);
  assert.deepEqual(closeAfter(), { name: 'closed', group: null, exitCode: null });
  assert.deepEqual(closeAfter(STARTED), { name: 'closed', group: 7, exitCode: null });
  assert.deepEqual(closeAfter(STARTED, ENDED), { name: 'closed', group: 7, exitCode: 3 });
});
