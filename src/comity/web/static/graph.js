/* Draws the relations of an object over the still picture of them, where that can be done. The table beneath has the
   same, and more. */

const place = document.getElementById("graph-live");
const canvas = place.querySelector(".canvas");
const chosen = document.getElementById("graph-chosen");
const FIRST_RING = 10;
const LONG = 190;
const SHORT = 110;
const CLOSER = 1.25;
const WHY_MOST = 40;
const MARGIN = 24;
const FIT_MOST = 1.3;
const CLOSEST = 4;

/* A colour of the style sheet as it is now: light or dark. */
function colour(name) {
  canvas.style.color = `var(--${name})`;
  return getComputedStyle(canvas).color;
}

function style(edges) {
  const ink = colour("ink");
  const ground = colour("ground");
  const accent = colour("accent");
  const text = {
    color: ink,
    "font-size": 11,
    "font-family": getComputedStyle(canvas).fontFamily,
    "text-outline-color": ground,
    "text-outline-width": 2,
    "min-zoomed-font-size": 7,
  };
  return [
    {
      selector: "node",
      style: {
        ...text,
        label: (node) => `${node.data("name")}\n${node.data("type")}`,
        "text-wrap": "wrap",
        "text-max-width": 130,
        "text-valign": "bottom",
        "text-margin-y": 4,
        width: 16,
        height: 16,
        "background-color": colour("raised"),
        "border-color": accent,
        "border-width": 2,
      },
    },
    { selector: "node.self", style: { label: "data(name)", width: 26, height: 26, "background-color": accent } },
    { selector: "node:selected", style: { "border-width": 6 } },
    {
      selector: "edge",
      style: {
        ...text,
        color: colour("quiet"),
        label: edges <= WHY_MOST ? "data(why)" : "",
        "font-size": 9,
        width: 1,
        "curve-style": "bezier",
        "line-color": colour("edge"),
        "target-arrow-color": colour("edge"),
        "target-arrow-shape": "triangle",
      },
    },
    { selector: "edge:selected", style: { width: 3, "line-color": accent } },
  ];
}

/* Rings around the object, each wider than the one inside it, with those of one type beside each other; as wide or as
   high as there is room. Nothing moves. */
function placesOf(neighbours) {
  const places = new Map();
  const sorted = [...neighbours].sort((one, other) => one.type.localeCompare(other.type));
  const [across, down] = canvas.clientWidth > canvas.clientHeight ? [LONG, SHORT] : [SHORT, LONG];
  for (let ring = 1; sorted.length; ring += 1) {
    const some = sorted.splice(0, FIRST_RING * ring);
    some.forEach((node, place) => {
      const angle = ((place + ring / 2) * 2 * Math.PI) / some.length;
      places.set(node.id, { x: across * ring * Math.cos(angle), y: down * ring * Math.sin(angle) });
    });
  }
  return places;
}

function elementsOf(graph) {
  const places = placesOf(graph.nodes.filter((node) => node.id !== graph.id));
  const nodes = graph.nodes.map((node) => ({
    data: { ...node, name: short(node.name) },
    position: places.get(node.id) ?? { x: 0, y: 0 },
    classes: node.id === graph.id ? "self" : "",
  }));
  return [...nodes, ...graph.edges.map((edge) => ({ data: edge }))];
}

const short = (name) => (name.length > 28 ? `${name.slice(0, 27)}…` : name);

function drive(cy, graph) {
  const all = new Map(graph.nodes.map((node) => [node.id, node]));
  const order = graph.nodes.map((node) => node.id);
  let here = graph.id;

  function choose(id) {
    here = id;
    const node = all.get(id);
    const link = document.createElement("a");
    link.href = node.url;
    link.textContent = node.name;
    cy.elements().unselect();
    const drawn = cy.getElementById(id);
    drawn.select();
    drawn.connectedEdges().select();
    const why = [...new Set(drawn.connectedEdges().map((edge) => edge.data("why")))];
    const about = id === graph.id ? [node.type, node.tlp] : [node.type, node.tlp, why.slice(0, 3).join(", ")];
    chosen.replaceChildren(link, ` ${about.filter(Boolean).join(" · ")}`);
    const box = drawn.renderedPosition();
    if (box.x < 0 || box.y < 0 || box.x > cy.width() || box.y > cy.height()) {
      cy.center(drawn);
    }
  }

  const along = (by) => choose(order[(order.indexOf(here) + by + order.length) % order.length]);
  const zoom = (by) => cy.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  const DOES = {
    before: () => along(-1),
    next: () => along(1),
    closer: () => zoom(CLOSER),
    farther: () => zoom(1 / CLOSER),
    fit: () => cy.fit(undefined, MARGIN),
    open: () => location.assign(all.get(here).url),
  };
  const KEYS = {
    ArrowLeft: "before",
    ArrowUp: "before",
    ArrowRight: "next",
    ArrowDown: "next",
    "+": "closer",
    "-": "farther",
    0: "fit",
    Enter: "open",
  };

  canvas.addEventListener("keydown", (event) => {
    const does = KEYS[event.key];
    if (does && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      DOES[does]();
    }
  });
  place.addEventListener("click", (event) => DOES[event.target.dataset?.does]?.());
  cy.on("tap", "node", (event) => choose(event.target.id()));
  cy.on("dbltap", "node", (event) => location.assign(all.get(event.target.id()).url));
  // The wheel scrolls the page, except for whoever has gone into the graph.
  canvas.addEventListener("focus", () => cy.userZoomingEnabled(true));
  canvas.addEventListener("blur", () => cy.userZoomingEnabled(false));
}

async function draw() {
  const [{ default: cytoscape }, answer] = await Promise.all([
    import(place.dataset.cytoscape),
    fetch(place.dataset.relations, { headers: { "HX-Request": "true" } }),
  ]);
  if (!answer.ok || answer.redirected) {
    return;
  }
  const graph = await answer.json();
  const still = document.getElementById("graph-still");
  // The policy of the page takes no style sheet from a script: this keeps Cytoscape.js from adding its one rule, which
  // stands in the style sheet of the page.
  const sheet = document.createElement("template");
  sheet.id = "__________cytoscape_stylesheet";
  document.body.append(sheet);
  place.hidden = false;
  const cy = cytoscape({
    container: canvas,
    elements: elementsOf(graph),
    style: style(graph.edges.length),
    layout: { name: "preset", fit: false },
    minZoom: 0.1,
    maxZoom: FIT_MOST,
    userZoomingEnabled: false,
    boxSelectionEnabled: false,
  });
  still.hidden = true;
  cy.fit(undefined, MARGIN);
  cy.maxZoom(CLOSEST);
  document.getElementById("graph-cut").textContent =
    graph.left_out ? `${graph.left_out.toLocaleString(document.documentElement.lang)} ${place.dataset.cut}` : "";
  drive(cy, graph);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => cy.style(style(graph.edges.length)));
}

draw().catch(() => {
  place.hidden = true;
  document.getElementById("graph-still").hidden = false;
});
