import { createTheme, type MantineColorsTuple } from '@mantine/core';

// The accent is a deep teal, which no state of health uses.
const fault: MantineColorsTuple = [
  '#e6f6f9',
  '#cfeaf0',
  '#a1d5e0',
  '#6dbecf',
  '#45abc1',
  '#2292aa',
  '#127a91',
  '#0f6678',
  '#0d5565',
  '#083f4c',
];

// Slate rather than grey in the dark: from text (0) to the page (9).
const dark: MantineColorsTuple = [
  '#dfe6ee',
  '#b6c2cf',
  '#95a3b3',
  '#5d6b7c',
  '#364250',
  '#2a3541',
  '#1d2630',
  '#161d26',
  '#10161d',
  '#0b1016',
];

export const theme = createTheme({
  colors: { fault, dark },
  primaryColor: 'fault',
  primaryShade: { light: 7, dark: 6 },
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'sm' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    NumberInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', checkIconPosition: 'right' } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    // Its header is none of the page.
    Modal: { defaultProps: { centered: true, closeButtonProps: { 'aria-label': 'Close' }, attributes: { header: { role: 'none' } } } },
  },
});
