document.querySelectorAll(".scans th").forEach((head) => head.addEventListener("click", () => {
  const column = head.cellIndex;
  const up = head.getAttribute("aria-sort") !== "ascending";
  const body = head.closest("table").tBodies[0];
  const key = (row) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
  };
  const isEmpty = (row) => key(row) === "";
  const compare = (a, b) => {
    if (isEmpty(a) || isEmpty(b)) return isEmpty(a) - isEmpty(b);
    const [x, y] = [key(a), key(b)];
    const order = typeof x === "number" ? x - y : x.localeCompare(y, undefined, {numeric: true});
    return up ? order : -order;
  };
  [...body.rows].sort(compare).forEach((row) => body.append(row));
  head.parentNode.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
}));
