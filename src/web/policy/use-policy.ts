import { queryOptions, useQuery } from '@tanstack/react-query';
import type { Policy } from '../../contract/policy.ts';
import { useWorkspace, type WorkspaceAccess } from '../session.ts';

export const policyQuery = ({ workspace, api, isAdmin }: WorkspaceAccess) =>
  queryOptions({
    queryKey: [workspace.id, 'policy'],
    queryFn: ({ signal }) => api.policy.get({ signal }),
    // Members cannot read the policy. They do not need it, because they cannot create credentials.
    enabled: isAdmin,
  });

/** The policy of the workspace; undefined for members and until it is loaded. */
export function usePolicy(): Policy | undefined {
  return useQuery(policyQuery(useWorkspace())).data;
}

/** Whether the policy allows an owner or admin to create credentials. */
export const canCreateCredentials = (policy: Policy, { isOwner }: WorkspaceAccess): boolean =>
  isOwner || policy.createdBy === 'admins';
