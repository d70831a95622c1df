import { SourceMap, SourceMapContent, SourceMapQuery, SourceMapUpload } from '../contract/errors.ts';
import { RESOURCE_LIMITS } from '../contract/limits.ts';
import { pageOf } from '../contract/paging.ts';
import { decompressBody } from '../platform/content-encoding.ts';
import { deleteSourceMap, listSourceMaps, uploadSourceMap } from '../platform/errors/source-maps/source-maps.ts';
import type { AppContext } from './app-context.ts';
import { requestContextOf } from './request-context.ts';
import { allowedResourcesOf } from './resource-access.ts';
import { IdParams, NoContent, type Route, rawBodyOf, route } from './route.ts';

const tag = 'Errors';
const url = '/v1/errors/source-maps';
const access = { person: 'admin', token: ['error_tracker'], key: ['write', 'manage_apps'] } as const;

/** Routes for source maps, which map stack frames of minified files to their sources. */
export function sourceMapRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url,
      access,
      resourceAccess: 'filtered',
      summary: 'List source maps',
      description: 'Newest first.',
      tag,
      query: SourceMapQuery,
      responses: { 200: pageOf(SourceMap) },
      handler: ({ query, request }) =>
        listSourceMaps(platform, requestContextOf(context, request), query, allowedResourcesOf(request)),
    }),
    route({
      method: 'POST',
      url,
      access,
      resourceAccess: 'filtered',
      summary: 'Upload a source map',
      description:
        'Replaces an earlier source map of the app with the same debug ID. If a workspace has more than 1,000 source maps or 256 MiB of them, the oldest ones of the apps that have the most are deleted.',
      tag,
      query: SourceMapUpload,
      bodyFormat: 'bytes',
      consumes: ['application/json'],
      bodyLimit: RESOURCE_LIMITS.sourceMapBytes,
      body: SourceMapContent,
      responses: { 201: SourceMap },
      errorCodes: ['too_large', 'unsupported_media_type'],
      handler: ({ query, request }) => {
        const body = rawBodyOf(request);
        const encoding = request.headers['content-encoding'];
        const read = () => decompressBody(body, encoding, RESOURCE_LIMITS.sourceMapUnpackedBytes);
        return uploadSourceMap(platform, requestContextOf(context, request), query, read);
      },
    }),
    route({
      method: 'DELETE',
      url: `${url}/:id`,
      access,
      resourceAccess: 'source_map',
      summary: 'Delete a source map',
      description: 'Stack frames of the minified file are then shown as they were reported.',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => deleteSourceMap(platform, requestContextOf(context, request), params.id),
    }),
  ];
}
