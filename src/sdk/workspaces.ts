import type { CreatedInvitation, Invitation } from '../contract/invitations.ts';
import type { Member } from '../contract/members.ts';
import type { AssignableRole } from '../contract/vocabulary.ts';
import type { UpdateWorkspace, Workspace } from '../contract/workspaces.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import type { CallOptions, Transport } from './transport.ts';

/** Workspaces, their members and invitations. */
export function workspaceClientsOf(transport: Transport) {
  const { send } = transport;
  return {
    workspaces: {
      ...listOf<Workspace, Paging>(transport, '/v1/workspaces'),
      create: (body: { name: string; slug?: string }, call?: CallOptions): Promise<Workspace> =>
        send('POST', '/v1/workspaces', { ...call, body }),
      update: (workspace: string, body: UpdateWorkspace, call?: CallOptions): Promise<Workspace> =>
        send('PATCH', pathTo('/v1/workspaces', workspace), { ...call, body }),
      delete: (workspace: string, call?: CallOptions): Promise<void> =>
        send('DELETE', pathTo('/v1/workspaces', workspace), call),
      /** Transfers the ownership to a member. */
      handOver: (workspace: string, body: { memberId: string }, call?: CallOptions): Promise<Workspace> =>
        send('POST', `${pathTo('/v1/workspaces', workspace)}/owner`, { ...call, body }),
    },
    members: {
      ...listOf<Member, Paging>(transport, '/v1/members'),
      update: (id: string, body: { role: AssignableRole }, call?: CallOptions): Promise<Member> =>
        send('PATCH', pathTo('/v1/members', id), { ...call, body }),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo('/v1/members', id), call),
      /** Removes the signed-in person from the workspace. Throws `conflict` for the owner. */
      leave: (call?: CallOptions): Promise<void> => send('DELETE', '/v1/members/me', call),
      endSessions: (id: string, call?: CallOptions): Promise<void> =>
        send('DELETE', `${pathTo('/v1/members', id)}/sessions`, call),
    },
    invitations: {
      ...listOf<Invitation, Paging>(transport, '/v1/invitations'),
      create: (body: { email: string; role: AssignableRole }, call?: CallOptions): Promise<CreatedInvitation> =>
        send('POST', '/v1/invitations', { ...call, body }),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo('/v1/invitations', id), call),
      accept: (code: string, call?: CallOptions): Promise<Workspace> =>
        send('POST', `${pathTo('/v1/invitations', code)}/accept`, call),
    },
  };
}
