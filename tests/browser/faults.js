// What looks wrong on the page as it stands, in words; nothing where all is well. Text is measured line by line.
() => {
  const EMPTY = 'p, ul, ol, dl, li, dt, dd, h1, h2, h3, h4, nav, section, article, aside, header, footer, figure, ' +
    'figcaption, address, fieldset, legend, label, summary, details, a, button, span, small, b, strong, div, main';
  const FILLS = 'img, svg, input, select, textarea, button';
  const OWN_SCROLL = 'select, textarea, input, .trap, .trap *'; // nobody sees the trap
  const OVER_THE_PAGE = '.bar, .skip, .trap';
  const name = (element) => {
    const words = element.textContent.trim().replace(/\s+/g, ' ').slice(0, 40);
    return `<${element.tagName.toLowerCase()}${element.className ? ' class=' + element.className : ''}> "${words}"`;
  };
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push(`scrolls sideways by ${root.scrollWidth - root.clientWidth}`);

  for (const element of document.body.querySelectorAll(EMPTY)) {
    if (!element.textContent.trim() && !element.matches(FILLS) && !element.querySelector(FILLS)) {
      faults.push(`empty: ${element.outerHTML.slice(0, 80)}`);
    }
  }
  for (const heading of document.body.querySelectorAll('h2, h3')) {
    if (heading.parentElement.textContent.trim() === heading.textContent.trim() && heading.parentElement.matches('section, div')) {
      faults.push(`a heading over nothing: ${name(heading)}`);
    }
  }

  for (const element of document.body.querySelectorAll('*')) {
    if (element.matches(OWN_SCROLL) || !element.checkVisibility()) continue;
    if (getComputedStyle(element).display !== 'inline' && element.clientWidth && element.scrollWidth > element.clientWidth + 1) {
      faults.push(`sticks out or is cut by ${element.scrollWidth - element.clientWidth}: ${name(element)}`);
    }
  }

  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility({ contentVisibilityAuto: true }) || element.closest(OVER_THE_PAGE + ', script, option')) continue;
    range.selectNodeContents(node);
    for (const { left, right, top, bottom } of range.getClientRects()) {
      if (right - left < 1) continue;
      if (left < -0.5 || right > root.clientWidth + 0.5) faults.push(`over the edge: ${name(element)}`);
      const spare = (bottom - top) / 4;  // a line's box is higher than its letters
      lines.push({ left: left + 1, right: right - 1, top: top + spare, bottom: bottom - spare, node, element });
    }
  }
  lines.sort((one, other) => one.top - other.top);
  lines.forEach((line, place) => {
    for (let next = place + 1; next < lines.length && lines[next].top < line.bottom; next += 1) {
      const other = lines[next];
      if (other.node !== line.node && other.left < line.right && line.left < other.right) {
        faults.push(`overlap: ${name(line.element)} and ${name(other.element)}`);
      }
    }
  });
  const widest = new Map();
  for (const { left, right, node } of lines) widest.set(node, Math.max(right - left, widest.get(node) || 0));
  for (const [node, width] of widest) {
    if (width < 70 && node.data.trim().length > 40) faults.push(`squeezed to ${Math.round(width)} pixels: ${name(node.parentElement)}`);
  }
  return [...new Set(faults)].slice(0, 20);
}
