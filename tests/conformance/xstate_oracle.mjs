// Runs cases on the real XState: a case a line on stdin, a trace a line on stdout. argv[2] is XState's main module.
//
// Nothing is executed: actions do nothing, guards are all true or all false, delays never end and actors never settle.
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const { createMachine, fromPromise, initialTransition, transition } = await import(pathToFileURL(process.argv[2]).href);
const never = fromPromise(() => new Promise(() => {}));
const constant = (value) => new Proxy({}, { get: () => value });

function build({ machine, guards }) {
  const built = createMachine(
    { ...machine, options: { maxIterations: 1000 } },
    {
      actions: constant(() => {}),
      actors: constant(never),
      delays: constant(1e9),
      guards: constant(() => guards === 'fire'),
    },
  );
  for (const node of built.idMap.values()) {
    node.entry.unshift({ type: 'oracle.enter', params: { id: node.id } });
    node.exit.unshift({ type: 'oracle.exit', params: { id: node.id } });
  }
  return built;
}

function describe(snapshot, actions, handled) {
  if (snapshot.status === 'error' && snapshot.error instanceof Error) throw snapshot.error;
  const ids = (type) => actions.filter((action) => action.type === type).map((action) => action.params.id);
  const history = Object.entries(snapshot.historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id).sort()]);
  return {
    value: snapshot.value,
    status: snapshot.status,
    nodes: snapshot._nodes.map((node) => node.id).sort(),
    history: Object.fromEntries(history),
    tags: [...snapshot.tags].sort(),
    handled,
    exit: ids('oracle.exit'),
    enter: ids('oracle.enter'),
    ...(snapshot.status === 'done' && snapshot.output !== undefined && { output: snapshot.output }),
  };
}

function run(test) {
  const machine = build(test);
  let [snapshot, actions] = initialTransition(machine);
  const trace = [describe(snapshot, actions, false)];
  for (const event of test.events) {
    const sent = typeof event === 'string' ? { type: event } : event;
    let handled = false;
    actions = [];
    if (snapshot.status === 'active') {
      handled = machine.getTransitionData(snapshot, sent).length > 0;
      [snapshot, actions] = transition(machine, snapshot, sent);
    }
    trace.push(describe(snapshot, actions, handled));
  }
  return trace;
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { trace: run(JSON.parse(line)) };
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
