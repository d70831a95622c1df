import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { globSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DAY } from '../../contract/limits.ts';
import { escapePointer, type OpenApiDocument } from '../openapi-rules.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/devpilot-openapi');
/** Files that determine the document and its validators. */
const SOURCES = ['package-lock.json', 'src/contract/*.ts', 'src/http/*.ts', 'src/testing/responses/*.ts'];

interface SchemaError {
  readonly instancePath: string;
  readonly message?: string;
  readonly params?: object;
}
/** Validates a body. `errors` are the errors of the last call. */
export interface Validator {
  (body: unknown): boolean;
  readonly errors?: readonly SchemaError[] | null;
}

type Statuses = Readonly<Record<string, Readonly<Record<string, string>>>>;
/** Names of validators by path template, method, status and content type. */
type ValidatorNames = Readonly<Record<string, Readonly<Record<string, Statuses>>>>;

export interface Validators {
  readonly paths: ValidatorNames;
  /** Name of the validator of problems. */
  readonly problem: string;
  readonly validators: Readonly<Record<string, Validator>>;
}

/** Returns a key that changes whenever a source changes. */
function cacheKey(): string {
  const hash = createHash('sha256');
  for (const file of globSync(SOURCES, { cwd: ROOT }).sort()) {
    const { mtimeMs, size } = statSync(join(ROOT, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Generates the OpenAPI document from the routes, without a server. */
export async function generateDocument(): Promise<OpenApiDocument> {
  const worker = new Worker(new URL('../../http/openapi-worker.ts', import.meta.url), { workerData: '0.0.0' });
  const [text] = (await once(worker, 'message')) as [string];
  return JSON.parse(text) as OpenApiDocument;
}

interface ResponseObject {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

/** Returns the code of a module with a validator for every response body in the document. */
async function compileValidators(document: OpenApiDocument): Promise<string> {
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  const { default: standalone } = await import('ajv/dist/standalone/index.js');
  const ajv = new Ajv2020({
    strict: false,
    validateFormats: false,
    validateSchema: false,
    inlineRefs: false,
    code: { source: true, optimize: false },
  });
  ajv.addSchema(document, 'openapi');
  /** References to schemas, by the name of the validator. */
  const references: Record<string, string> = {};
  const sharedResponses =
    (document.components as { responses?: Readonly<Record<string, ResponseObject>> }).responses ?? {};
  const validatorNameFor = (pointer: string): string => {
    const reference = `openapi#/${pointer}`;
    const existingName = Object.keys(references).find((name) => references[name] === reference);
    if (existingName !== undefined) return existingName;
    const name = `v${Object.keys(references).length}`;
    references[name] = reference;
    return name;
  };
  const validatorsByType = (response: ResponseObject, pointer: string): Record<string, string> => {
    if (response.$ref !== undefined) {
      const name = response.$ref.split('/').at(-1) ?? '';
      return validatorsByType(sharedResponses[name] ?? {}, `components/responses/${name}`);
    }
    const types = Object.keys(response.content ?? {});
    return Object.fromEntries(
      types.map((type) => [type, validatorNameFor(`${pointer}/content/${escapePointer(type)}/schema`)]),
    );
  };
  const paths = mapValues(document.paths, (operations, path) =>
    mapValues(operations, ({ responses }, method) =>
      mapValues(responses as Readonly<Record<string, ResponseObject>>, (response, status) =>
        validatorsByType(response, `paths/${escapePointer(path)}/${method}/responses/${status}`),
      ),
    ),
  ) satisfies ValidatorNames;
  const problem = validatorNameFor('components/schemas/Problem');
  const compile = standalone as unknown as (instance: unknown, names: object) => string;
  const exported = `validators: { ...module.exports }, problem: ${JSON.stringify(problem)}, paths: ${JSON.stringify(paths)}`;
  return `${compile(ajv, references)};\nmodule.exports = { ${exported} };\n`;
}

function mapValues<From, To>(
  from: Readonly<Record<string, From>>,
  map: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, map(value, key)]));
}

/**
 * Returns the validators of the current OpenAPI document. They are cached in a file until a source changes, because
 * every test file needs them.
 */
export async function loadValidators(): Promise<Validators> {
  const file = join(CACHE, `${cacheKey()}.cjs`);
  const require = createRequire(import.meta.url);
  try {
    return require(file) as Validators;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
  }
  const code = await compileValidators(await generateDocument());
  mkdirSync(CACHE, { recursive: true });
  for (const cachedFile of readdirSync(CACHE)) {
    if (Date.now() - statSync(join(CACHE, cachedFile)).mtimeMs > DAY) rmSync(join(CACHE, cachedFile), { force: true });
  }
  const temporaryFile = `${file}.${process.pid}`;
  writeFileSync(temporaryFile, code);
  renameSync(temporaryFile, file);
  return require(file) as Validators;
}
