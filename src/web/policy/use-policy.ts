import { queryOptions, useQuery } from '@tanstack/react-query';
import type { Policy } from '../../contract/policy.ts';
import { useWorkspace, type WorkspaceAccess } from '../session.ts';

export const policyQuery = ({ workspace, api, isAdmin }: WorkspaceAccess) =>
  queryOptions({
    queryKey: [workspace.id, 'policy'],
    queryFn: ({ signal }) => api.policy.get({ signal }),
    // Members cannot read the policy, and cannot create the credentials that it has rules for.
    enabled: isAdmin,
  });

/** The policy of the workspace; undefined for members and until it is loaded. */
export function usePolicy(): Policy | undefined {
  return useQuery(policyQuery(useWorkspace())).data;
}

/** Whether the policy allows a person with access to a workspace to create credentials. */
export const canCreateCredentials = (policy: Policy, { isOwner }: WorkspaceAccess): boolean =>
  isOwner || policy.createdBy === 'admins';
