import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReviewListQuery } from '../../sdk/client.ts';
import { BYTE_ORDER_MARK, download } from '../components/download.ts';
import { IconDownload } from '../components/icons.ts';
import { notifyError } from '../components/notify-error.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

/** The button that downloads the review as CSV, with the filters of the list. */
export function ReviewExport({ query }: { readonly query: ReviewListQuery }) {
  const { workspace, api } = useWorkspace();
  const exporting = useMutation({
    mutationFn: async () => {
      const text = await new Response(await api.review.export(query)).text();
      download(`review-${workspace.slug}.csv`, new Blob([BYTE_ORDER_MARK, text], { type: 'text/csv' }));
    },
    onError: notifyError,
  });
  return (
    <Button
      variant="default"
      leftSection={<IconDownload size={16} />}
      loading={exporting.isPending}
      onClick={() => exporting.mutate()}
    >
      {strings.page.exportCsv}
    </Button>
  );
}
