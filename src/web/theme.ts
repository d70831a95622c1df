import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';
import { strings } from './strings.ts';

const pilot: MantineColorsTuple = [
  '#eef2ff',
  '#e0e7ff',
  '#c7d2fe',
  '#a5b4fc',
  '#8b95f9',
  '#6366f1',
  '#4f46e5',
  '#4338ca',
  '#3730a3',
  '#312e81',
];

const dark: MantineColorsTuple = [
  '#e4e7ee',
  '#bcc2ce',
  '#9ba3b4',
  '#737b8c',
  '#3a404e',
  '#2a2f3b',
  '#1e222c',
  '#14171f',
  '#0f1218',
  '#0a0c11',
];

/** Overlays are rendered within the main landmark, because all content must be within a landmark. */
const IN_MAIN = { target: 'main' };

export const theme = createTheme({
  primaryColor: 'pilot',
  primaryShade: { light: 6, dark: 6 },
  colors: { pilot, dark },
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  components: {
    Modal: {
      defaultProps: {
        centered: true,
        radius: 'lg',
        closeButtonProps: { 'aria-label': strings.theme.close },
        // Mantine renders a <header>, which assistive technology would report as a second banner.
        attributes: { header: { role: 'presentation' } },
      },
      styles: {
        title: { fontSize: 18, fontWeight: 650, lineHeight: 1.3, overflowWrap: 'anywhere' },
        body: { overflowWrap: 'anywhere' },
      },
    },
    Menu: {
      defaultProps: {
        shadow: 'md',
        position: 'bottom-end',
        // Mantine's placeholder takes the initial focus but is not a menu item.
        withInitialFocusPlaceholder: false,
        portalProps: IN_MAIN,
      },
    },
    Combobox: { defaultProps: { portalProps: IN_MAIN } },
    Notification: {
      defaultProps: { closeButtonProps: { 'aria-label': strings.theme.dismiss } },
      styles: { description: { overflowWrap: 'anywhere' } },
    },
    HoverCard: { defaultProps: { portalProps: IN_MAIN } },
    Tooltip: {
      defaultProps: {
        withArrow: true,
        openDelay: 200,
        events: { hover: true, focus: true, touch: true },
        portalProps: IN_MAIN,
      },
    },
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 550 } },
    Anchor: { defaultProps: { underline: 'hover' } },
    TextInput: { defaultProps: { inputWrapperOrder: ['label', 'description', 'input', 'error'] } },
    PasswordInput: { defaultProps: { inputWrapperOrder: ['label', 'description', 'input', 'error'] } },
  },
});

/** The color variables of both color schemes. Text has a contrast of at least 4.5:1 on its background (WCAG 1.4.3). */
export const resolveVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-dimmed': '#586071',
    '--mantine-color-placeholder': '#666e7e',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-anchor': '#4338ca',
    '--app-sidebar': '#f7f8fa',
    '--app-border': '#e5e8ee',
    '--app-hover': '#f4f5f8',
    '--app-success': '#1a6b3c',
    '--app-success-soft': '#e6f6ec',
    '--app-warning': '#8a4b04',
    '--app-warning-soft': '#fff3dc',
    '--app-danger': '#b02323',
    '--app-danger-soft': '#fdecec',
    '--app-neutral': '#4d5564',
    '--app-neutral-soft': '#eef0f4',
    '--app-code': '#f4f5f8',
    '--app-chart-1': '#4f46e5',
    '--app-chart-2': '#0e7490',
    '--app-chart-3': '#b45309',
    '--app-chart-4': '#be185d',
    '--app-chart-5': '#15803d',
    '--app-chart-6': '#9333ea',
    '--app-chart-other': '#64748b',
  },
  dark: {
    '--mantine-color-body': '#14171f',
    '--mantine-color-dimmed': '#9ba3b4',
    '--mantine-color-placeholder': '#8891a3',
    '--mantine-color-error': '#ff8f8f',
    '--mantine-color-anchor': '#a5b4fc',
    '--app-sidebar': '#0f1218',
    '--app-border': '#272c37',
    '--app-hover': '#1b1f29',
    '--app-success': '#7ddba0',
    '--app-success-soft': '#14301f',
    '--app-warning': '#f3c067',
    '--app-warning-soft': '#35270d',
    '--app-danger': '#ff9d9d',
    '--app-danger-soft': '#3a1a1c',
    '--app-neutral': '#b4bbc9',
    '--app-neutral-soft': '#252a35',
    '--app-code': '#0f1218',
    '--app-chart-1': '#8b95f9',
    '--app-chart-2': '#2bb5d0',
    '--app-chart-3': '#f0a94a',
    '--app-chart-4': '#f472b6',
    '--app-chart-5': '#4ade80',
    '--app-chart-6': '#c084fc',
    '--app-chart-other': '#94a3b8',
  },
});
