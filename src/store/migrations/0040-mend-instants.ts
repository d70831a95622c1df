/**
 * Epoch milliseconds of 9999-12-31T23:59:59.999Z, and the number of that day. Responses cannot contain later instants.
 */
const LAST = '253402300799999';
const LAST_DAY = '2932896';
const outside = (column: string) => `(${column} < 0 or ${column} > ${LAST})`;

/** Removes the timestamps of breadcrumbs whose year has more than four digits. */
function mendBreadcrumbs(bytes: 'blob' | 'bytea'): string {
  if (bytes === 'bytea') {
    return `update error_event set detail = regexp_replace(detail, '"at":"[+][0-9]{6}-[^"]*"', '"at":null', 'g')
      where detail like '%"at":"+%'`;
  }
  return `update error_event set detail = json_set(detail, '$.breadcrumbs', (
      select json_group_array(case when json_extract(crumb.value, '$.at') like '+%'
        then json_set(crumb.value, '$.at', null) else json(crumb.value) end)
      from json_each(detail, '$.breadcrumbs') as crumb))
    where detail like '%"at":"+%'`;
}

/**
 * Reports and events with a timestamp outside the years 1970 to 9999 were stored but could not be listed. Their
 * timestamp is replaced by the time at which they were received.
 */
export function mendInstants(bytes: 'blob' | 'bytea'): string[] {
  return [
    `update error_issue set last_seen_at = kept_minute * 60000 where ${outside('last_seen_at')}`,
    `update error_issue set first_seen_at = last_seen_at where ${outside('first_seen_at')}`,
    `update error_event set at = received_at where ${outside('at')}`,
    `delete from error_day where day < 0 or day > ${LAST_DAY}`,
    mendBreadcrumbs(bytes),
    `update activity_event set at = received_at where ${outside('at')}`,
    `delete from activity_rollup where ${outside('at')}`,
  ];
}
