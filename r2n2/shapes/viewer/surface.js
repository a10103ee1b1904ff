// Occupancy to triangles, in the browser, so that the threshold can be changed.
//
// A grid is {values: Float32Array, side: n}, values in the order x, y, z (z fastest); nothing is occupied beyond it. A
// mesh is {positions: Float32Array (3 per vertex), indices: Uint32Array (3 per triangle), edges: Float32Array (6 per
// line)}, in the coordinates of the written files: y up, the grid's cube centred at the origin with edges of length 1.

// The smooth surface, by surface nets: wherever the occupancy crosses the threshold between two voxels, the four cells
// (cubes between eight neighbouring voxels) around that edge are joined by two triangles; a cell's vertex is the mean of
// the points at which the occupancy crosses its twelve edges. Unlike marching cubes it needs no table of 256 cases.
function smoothSurface(grid, threshold) {
  const { side } = grid;
  const padded = side + 2; // an empty border closes the surface
  const stride = [padded * padded, padded, 1];
  const field = new Float32Array(padded ** 3).fill(-threshold);
  for (let x = 0; x < side; x++)
    for (let y = 0; y < side; y++)
      for (let z = 0; z < side; z++) {
        const distance = grid.values[(x * side + y) * side + z] - threshold;
        field[(x + 1) * stride[0] + (y + 1) * stride[1] + z + 1] = distance > 0 ? Math.max(distance, 1e-3) : Math.min(distance, -1e-3);
      }

  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => [corner >> 2, (corner >> 1) & 1, corner & 1]);
  const offsets = corners.map(([x, y, z]) => x * stride[0] + y * stride[1] + z);
  const cellEdges = [];
  for (let a = 0; a < 8; a++) for (const bit of [1, 2, 4]) if (!(a & bit)) cellEdges.push([a, a | bit]);

  const positions = [];
  const vertexOf = new Int32Array(padded ** 3).fill(-1);
  for (let x = 0; x < padded - 1; x++)
    for (let y = 0; y < padded - 1; y++)
      for (let z = 0; z < padded - 1; z++) {
        const cell = x * stride[0] + y * stride[1] + z;
        const inside = offsets.reduce((count, offset) => count + (field[cell + offset] > 0), 0);
        if (inside === 0 || inside === 8) continue;
        const sum = [0, 0, 0];
        let crossings = 0;
        for (const [a, b] of cellEdges) {
          const from = field[cell + offsets[a]];
          const to = field[cell + offsets[b]];
          if (from > 0 === to > 0) continue;
          const share = from / (from - to);
          for (let axis = 0; axis < 3; axis++) sum[axis] += corners[a][axis] + share * (corners[b][axis] - corners[a][axis]);
          crossings++;
        }
        vertexOf[cell] = positions.length / 3;
        // The centre of voxel 0 is at index 1 of the padded field, and half a voxel inside the cube.
        for (const [axis, start] of [x, y, z].entries()) positions.push((start + sum[axis] / crossings - 0.5) / side - 0.5);
      }

  const indices = [];
  for (let x = 1; x < padded - 1; x++)
    for (let y = 1; y < padded - 1; y++)
      for (let z = 1; z < padded - 1; z++)
        for (let axis = 0; axis < 3; axis++) {
          joinCells(field, vertexOf, x * stride[0] + y * stride[1] + z, stride, axis, indices);
        }
  // Edges that leave the grid through its lower faces start in the border, at index 0.
  for (let axis = 0; axis < 3; axis++)
    for (let a = 1; a < padded - 1; a++)
      for (let b = 1; b < padded - 1; b++) {
        joinCells(field, vertexOf, a * stride[(axis + 1) % 3] + b * stride[(axis + 2) % 3], stride, axis, indices);
      }

  return { positions: Float32Array.from(positions), indices: Uint32Array.from(indices), edges: new Float32Array(0) };
}

// Two triangles around the edge from `voxel` along `axis`, wound so that they face the empty side.
function joinCells(field, vertexOf, voxel, stride, axis, indices) {
  const inside = field[voxel] > 0;
  if (inside === field[voxel + stride[axis]] > 0) return;
  const [u, v] = [stride[(axis + 1) % 3], stride[(axis + 2) % 3]];
  const [a, b, c, d] = [vertexOf[voxel - u - v], vertexOf[voxel - v], vertexOf[voxel], vertexOf[voxel - u]];
  if (inside) indices.push(a, b, c, a, c, d);
  else indices.push(a, c, b, a, d, c);
}

// The six faces of a voxel: the step to the neighbour, and the corners, wound so that they face it.
const FACES = [0, 1, 2].flatMap((axis) =>
  [1, 0].map((side) => {
    const step = [0, 0, 0];
    step[axis] = 2 * side - 1;
    const square = [[0, 0], [1, 0], [1, 1], [0, 1]];
    const corners = (side ? square : square.reverse()).map(([u, v]) => {
      const corner = [0, 0, 0];
      [corner[axis], corner[(axis + 1) % 3], corner[(axis + 2) % 3]] = [side, u, v];
      return corner;
    });
    return { step, corners };
  }),
);

// The blocky surface: a square, with its outline, for each face between an occupied and an empty voxel.
function blockySurface(grid, threshold) {
  const { side, values } = grid;
  const inside = (at) => at >= 0 && at < side;
  const occupied = (x, y, z) => inside(x) && inside(y) && inside(z) && values[(x * side + y) * side + z] > threshold;
  const positions = [];
  const indices = [];
  const edges = [];
  for (let x = 0; x < side; x++)
    for (let y = 0; y < side; y++)
      for (let z = 0; z < side; z++) {
        if (!occupied(x, y, z)) continue;
        for (const { step, corners } of FACES) {
          if (occupied(x + step[0], y + step[1], z + step[2])) continue;
          const first = positions.length / 3;
          for (const corner of corners) positions.push((x + corner[0]) / side - 0.5, (y + corner[1]) / side - 0.5, (z + corner[2]) / side - 0.5);
          indices.push(first, first + 1, first + 2, first, first + 2, first + 3);
          for (const [from, to] of [[0, 1], [1, 2], [2, 3], [3, 0]])
            for (const end of [from, to]) for (let axis = 0; axis < 3; axis++) edges.push(positions[3 * (first + end) + axis]);
        }
      }
  return { positions: Float32Array.from(positions), indices: Uint32Array.from(indices), edges: Float32Array.from(edges) };
}

// The value at a point of a coarse grid over the same cube, trilinear between the centres of its cells.
function sampleGrid(grid, x, y, z) {
  const { values, side } = grid;
  const low = [];
  const share = [];
  for (const at of [x, y, z]) {
    const inside = Math.min(Math.max((at + 0.5) * side - 0.5, 0), side - 1);
    low.push(Math.min(Math.floor(inside), side - 2));
    share.push(inside - low[low.length - 1]);
  }
  let value = 0;
  for (let corner = 0; corner < 8; corner++) {
    const bits = [corner >> 2, (corner >> 1) & 1, corner & 1];
    const weight = bits.reduce((product, bit, axis) => product * (bit ? share[axis] : 1 - share[axis]), 1);
    value += weight * values[((low[0] + bits[0]) * side + low[1] + bits[1]) * side + low[2] + bits[2]];
  }
  return value;
}

// The grid a + (b - a) share.
function mixGrids(a, b, share) {
  if (share >= 1 || a === b) return b;
  return { side: b.side, values: b.values.map((value, at) => a.values[at] + (value - a.values[at]) * share) };
}
