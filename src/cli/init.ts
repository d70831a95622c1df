import { text } from 'node:stream/consumers';
import { SignUp } from '../contract/people.ts';
import { CreateWorkspace } from '../contract/workspaces.ts';
import { createFirstOwner } from '../people/sign-up.ts';
import { readSettings } from '../server/settings.ts';
import { withPeopleContext } from './people.ts';

/** Validates the input with the schemas of the API. Throws an error whose message names the first invalid field. */
function parseInput(options: { email: string; name: string; workspace: string }, password: string) {
  const { email, name } = options;
  const person = SignUp.safeParse({ email, name, password });
  const workspace = CreateWorkspace.safeParse({ name: options.workspace });
  const issue = person.error?.issues[0] ?? workspace.error?.issues[0];
  if (!person.success || !workspace.success) {
    const field = person.success ? 'workspace' : String(issue?.path[0]);
    throw new Error(`${field}: ${issue?.message ?? 'is not valid'}`);
  }
  return { ...person.data, workspace: workspace.data.name };
}

/** Creates the first owner and workspace in the database. Fails if the database already has a user. */
export async function init(options: {
  email: string;
  name: string;
  workspace: string;
  json: true | undefined;
}): Promise<void> {
  const settings = readSettings(process.env);
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  const input = parseInput(options, password);
  const created = await withPeopleContext((context) => createFirstOwner(context, input), settings);
  const result = {
    person: { id: created.personId, name: input.name, email: input.email },
    workspace: { id: created.workspaceId, name: input.workspace, slug: created.slug },
  };
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(result)}\n`
      : `Created the workspace ${input.workspace}, owned by ${input.email}. Start the server with: devpilot serve\n`,
  );
}
