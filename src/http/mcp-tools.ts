import { z } from 'zod';
import type { CredentialRecord } from '../authorization/record.ts';
import { meets } from '../authorization/rights.ts';
import { MCP_LIMITS } from '../contract/mcp.ts';
import { ADVANCED_DEPLOYMENT_FIELDS } from '../contract/platform-vocabulary.ts';
import { requirementOf } from './access.ts';
import type { Route } from './route.ts';
import { removeTextFormat } from './text-format.ts';

/** The declaration of a tool, which calls one route of the route table. */
interface ToolDeclaration {
  readonly name: string;
  /** Method and path of the route. */
  readonly route: string;
  /** Default: the summary and description of the route. */
  readonly description?: string;
  /** Names of the route's fields that are not arguments of the tool. */
  readonly omittedFields?: readonly string[];
  /** For a route whose access depends on its body, a body that determines the access of the tool. */
  readonly typicalBody?: object;
  /** Whether the tool returns the last lines of a log. */
  readonly isLog?: true;
  /** Default: JSON. */
  readonly contentType?: string;
}

export const TOOL_DECLARATIONS: readonly ToolDeclaration[] = [
  { name: 'list_projects', route: 'GET /v1/projects' },
  { name: 'list_apps', route: 'GET /v1/apps' },
  { name: 'get_app', route: 'GET /v1/apps/:app' },
  { name: 'list_servers', route: 'GET /v1/servers' },
  { name: 'list_deployments', route: 'GET /v1/deployments' },
  { name: 'get_deployment', route: 'GET /v1/deployments/:id' },
  {
    name: 'read_deployment_log',
    route: 'GET /v1/deployments/:id/logs',
    description: 'Read the last lines of the log of a deployment',
    isLog: true,
  },
  {
    name: 'deploy',
    route: 'POST /v1/apps/:app/deployments',
    description: 'Deploy an app. Returns before the deployment has finished; get_deployment returns its status',
    omittedFields: ADVANCED_DEPLOYMENT_FIELDS,
    typicalBody: {},
  },
  {
    name: 'deploy_advanced',
    route: 'POST /v1/apps/:app/deployments',
    description:
      'Deploy an app with a choice of servers, strategy, health check, time or approval. Returns before the deployment has finished; get_deployment returns its status',
    typicalBody: { strategy: 'all' },
  },
  {
    name: 'roll_back',
    route: 'POST /v1/deployments/:id/rollback',
    description:
      'Roll an app back to the commit of an earlier deployment. Returns the new deployment before it has finished; get_deployment returns its status',
    omittedFields: ADVANCED_DEPLOYMENT_FIELDS,
    typicalBody: {},
  },
  { name: 'cancel_deployment', route: 'POST /v1/deployments/:id/cancel' },
  { name: 'approve_deployment', route: 'POST /v1/deployments/:id/approve' },
  { name: 'promote_deployment', route: 'POST /v1/deployments/:id/promote' },
  { name: 'abort_deployment', route: 'POST /v1/deployments/:id/abort' },
  { name: 'list_scripts', route: 'GET /v1/scripts' },
  { name: 'get_script', route: 'GET /v1/scripts/:script' },
  {
    name: 'run_script',
    route: 'POST /v1/scripts/:script/runs',
    description: 'Run a script. Returns before the run has finished; get_run returns its status',
  },
  { name: 'list_runs', route: 'GET /v1/scripts/:script/runs' },
  { name: 'get_run', route: 'GET /v1/runs/:id' },
  {
    name: 'read_run_log',
    route: 'GET /v1/runs/:id/logs',
    description: 'Read the last lines of the log of a run',
    isLog: true,
  },
  { name: 'cancel_run', route: 'POST /v1/runs/:id/cancel' },
  {
    name: 'list_variables',
    route: 'GET /v1/apps/:app/env',
    description: "List an app's environment variables with their values; with values=hidden, names only",
    omittedFields: ['format'],
  },
  { name: 'set_variable', route: 'PUT /v1/apps/:app/env/:name', description: 'Set an environment variable of an app' },
  { name: 'remove_variable', route: 'DELETE /v1/apps/:app/env/:name' },
  {
    name: 'record_event',
    route: 'POST /v1/activity/events',
    description: 'Record an activity event, as a CloudEvent',
    contentType: 'application/cloudevents+json',
  },
  { name: 'list_events', route: 'GET /v1/activity/events', description: 'List activity events, newest first' },
  {
    name: 'get_activity_analytics',
    route: 'GET /v1/activity/analytics',
    description: 'Get counts of activity events and unique subjects over time, by type, source or subject',
  },
  { name: 'list_issues', route: 'GET /v1/errors/issues', description: 'List error issues, most recently seen first' },
  { name: 'get_issue', route: 'GET /v1/errors/issues/:id' },
  { name: 'list_issue_events', route: 'GET /v1/errors/issues/:id/events' },
  { name: 'update_issue', route: 'PATCH /v1/errors/issues/:id' },
  { name: 'report_error', route: 'POST /v1/errors/events' },
  { name: 'list_backups', route: 'GET /v1/apps/:app/backups' },
  { name: 'create_backup', route: 'POST /v1/apps/:app/backups' },
];

/** A tool with its route. */
export interface Tool extends Omit<ToolDeclaration, 'route'> {
  readonly route: Route;
}

/** Returns the fields of an object schema, which can be optional, nullable or preprocessed. */
function fieldsOf(schema: z.ZodType | undefined): Readonly<Record<string, z.ZodType>> {
  if (schema instanceof z.ZodObject) return schema.shape as Record<string, z.ZodType>;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return fieldsOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodPipe) {
    const { in: input, out } = schema;
    return fieldsOf((input instanceof z.ZodTransform ? out : input) as z.ZodType);
  }
  return {};
}

const logFields = {
  lines: z
    .int()
    .min(1)
    .max(MCP_LIMITS.logLines.max)
    .meta({ default: MCP_LIMITS.logLines.default })
    .optional()
    .describe('Number of lines, counted from the end'),
};

/** Resolves the routes of the declared tools. Throws if a route does not exist. */
export function resolveTools(routes: readonly Route[]): ReadonlyMap<string, Tool> {
  const routesByMethodAndUrl = new Map(routes.map((route) => [`${String(route.method)} ${route.url}`, route]));
  return new Map(
    TOOL_DECLARATIONS.map((declaration) => {
      const route = routesByMethodAndUrl.get(declaration.route);
      if (route === undefined) throw new Error(`The tool ${declaration.name} has no route ${declaration.route}.`);
      return [declaration.name, { ...declaration, route }];
    }),
  );
}

/** Returns the description of a tool for `tools/list`. */
export function describeTool({ name, description, route, isLog, omittedFields = [] }: Tool): Record<string, unknown> {
  const { params, query, body } = route;
  const allFields = { ...fieldsOf(params), ...(isLog ? logFields : fieldsOf(query)), ...fieldsOf(body) };
  const fields = Object.fromEntries(Object.entries(allFields).filter(([field]) => !omittedFields.includes(field)));
  const { $schema: _, ...inputSchema } = z.toJSONSchema(z.strictObject(fields), {
    io: 'input',
    unrepresentable: 'any',
  });
  const properties = (inputSchema.properties ?? {}) as Record<string, z.core.JSONSchema.JSONSchema>;
  for (const property of Object.values(properties)) removeTextFormat(property);
  return {
    name,
    description: description ?? [route.summary, route.description].filter((text) => text !== undefined).join('. '),
    inputSchema,
    annotations: { readOnlyHint: route.method === 'GET' },
  };
}

/** Whether the access of a tool's route and the restrictions of a credential allow the credential to use the tool. */
export function isToolAllowed({ route, typicalBody }: Tool, { kind, rights, restrictions }: CredentialRecord): boolean {
  const { access, accessForBody, resourceAccess } = route;
  const requirement = requirementOf(accessForBody === undefined ? access : accessForBody(typicalBody))[kind];
  if (requirement === null || !meets(rights, requirement)) return false;
  // A credential that is restricted to projects and apps has no access to resources outside of apps.
  return resourceAccess !== 'workspace' || (restrictions?.resources ?? null) === null;
}
