import { parentPort, workerData } from 'node:worker_threads';
import swagger from '@fastify/swagger';
import fastify from 'fastify';
import { createSerializerCompiler, jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { AppContext } from './app-context.ts';
import { registerHealth } from './health.ts';
import { staticOpenApiDocument } from './openapi.ts';
import { postprocessOpenApi } from './openapi-postprocess.ts';
import { withDefaults } from './register-routes.ts';
import { schemaOf } from './route-schema.ts';
import { routeTable } from './route-table.ts';

/** Only handlers read the context, and no handler is called in this thread. */
const NO_CONTEXT = {} as AppContext;

/** Returns the OpenAPI document of all routes as JSON. */
async function generate(version: string): Promise<string> {
  const app = fastify();
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(createSerializerCompiler({}));
  await app.register(swagger, {
    openapi: staticOpenApiDocument(version),
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  for (const route of routeTable(NO_CONTEXT).map(withDefaults)) {
    app.route({ method: route.method, url: route.url, schema: schemaOf(route), handler: () => undefined });
  }
  registerHealth(app, NO_CONTEXT);
  await app.ready();
  return JSON.stringify(postprocessOpenApi(app.swagger()));
}

// Runs in a worker thread, because generating the document would block the event loop for too long.
parentPort?.postMessage(await generate(String(workerData)));
