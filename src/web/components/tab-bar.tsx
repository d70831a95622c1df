import { Link, type LinkProps, useMatchRoute } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import styles from './tab-bar.module.css';

export interface LinkTab {
  readonly to: NonNullable<LinkProps['to']>;
  readonly label: string;
  /** Whether the tab is current only at its exact path, not on pages below it. */
  readonly exact?: true;
}

interface TabBarProps {
  readonly label: string;
  readonly tabs: readonly LinkTab[];
}

/** Returns the index of the tab to which a key moves the focus; null for other keys. The arrow keys wrap around. */
function nextTabIndex(key: string, index: number, count: number): number | null {
  if (key === 'ArrowRight') return (index + 1) % count;
  if (key === 'ArrowLeft') return (index - 1 + count) % count;
  if (key === 'Home') return 0;
  return key === 'End' ? count - 1 : null;
}

/**
 * Scrolls the tab bar until a tab is visible. Not with `scrollIntoView`, which would also move the point from which the
 * Tab key continues, so that the key would skip everything before the tab bar.
 */
function scrollToTab(link: HTMLElement): void {
  const bar = link.parentElement;
  if (bar === null) return;
  const [{ left, right }, barRectangle] = [link.getBoundingClientRect(), bar.getBoundingClientRect()];
  bar.scrollLeft += Math.min(0, left - barRectangle.left) + Math.max(0, right - barRectangle.right);
}

/**
 * Links to the parts of a page, one of which is current. The tab bar is a single tab stop: the arrow keys, Home and End
 * move the focus within it, and Enter follows the focused link.
 */
export function TabBar({ label: barLabel, tabs }: TabBarProps) {
  const matchRoute = useMatchRoute();
  const links = useRef<(HTMLAnchorElement | null)[]>([]);
  const [focused, setFocused] = useState<number | null>(null);
  const current = tabs.findIndex(({ to, exact }) => matchRoute({ to, fuzzy: exact !== true }) !== false);
  useEffect(() => {
    const link = links.current[current];
    if (link != null) scrollToTab(link);
  }, [current]);

  function moveFocus(event: KeyboardEvent, index: number): void {
    const nextIndex = nextTabIndex(event.key, index, tabs.length);
    if (nextIndex === null || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    links.current[nextIndex]?.focus();
  }

  return (
    <nav aria-label={barLabel} className={styles['tabs']}>
      {tabs.map(({ to, label, exact }, index) => (
        <Link
          key={to}
          ref={(link) => {
            links.current[index] = link;
          }}
          to={to}
          // Keeps the ID or slug as it is in the URL, because a tab is current only if its link matches the URL.
          params={true as never}
          search={{} as never}
          className={styles['tab']}
          activeOptions={{ includeSearch: false, exact: exact === true }}
          tabIndex={index === (focused ?? Math.max(0, current)) ? 0 : -1}
          onFocus={() => setFocused(index)}
          onBlur={() => setFocused(null)}
          onKeyDown={(event) => moveFocus(event, index)}
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}
