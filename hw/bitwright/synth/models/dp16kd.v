// A memory block of 18 kbit: 2048 bytes of nine bits between two ports. A port of 9 or 18 bits
// reads or writes in a cycle; at 36 bits port A only writes and port B only reads, and the halves
// lie on both ports' pins. Ports of 1, 2 or 4 bits leave out the ninth. From 18 bits on the lowest
// address pins enable the bytes of a write. A byte that one port reads while the other writes it is
// unknown on the chip; here it comes out inverted, so that whoever relies on it fails. A parameter
// without a model stops elaboration; an asynchronous reset, which yosys sets but nothing drives,
// stops the simulation when it is driven.
module DP16KD(
  input
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0, ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3,
    ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  input
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
    DIB3, DIB2, DIB1, DIB0, ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3,
    ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
    DOA3, DOA2, DOA1, DOA0, DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8,
    DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB";
  parameter CEAMUX = "CEA", CEBMUX = "CEB", WEAMUX = "WEA", WEBMUX = "WEB";
  parameter OCEAMUX = "OCEA", OCEBMUX = "OCEB", RSTAMUX = "RSTA", RSTBMUX = "RSTB";
  parameter GSR = "ENABLED", INIT_DATA = "STATIC", WID = 0;
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0;
  parameter [319:0] INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0;
  parameter [319:0] INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0;
  parameter [319:0] INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0;
  parameter [319:0] INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0;
  parameter [319:0] INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0;
  parameter [319:0] INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0;
  parameter [319:0] INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0;
  parameter [319:0] INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;
  if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG")
    DP16KD_has_no_model_of_output_registers refused();
  if (CSDECODE_A != "0b000" || CSDECODE_B != "0b000")
    DP16KD_has_no_model_of_this_CSDECODE refused();
  if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB" || CEAMUX != "CEA" || CEBMUX != "CEB"
      || WEAMUX != "WEA" || WEBMUX != "WEB" || RSTAMUX != "RSTA" || RSTBMUX != "RSTB")
    DP16KD_has_no_model_of_inverted_or_tied_pins refused();
  if ((
    INITVAL_00 | INITVAL_01 | INITVAL_02 | INITVAL_03 | INITVAL_04 | INITVAL_05 | INITVAL_06 |
    INITVAL_07 | INITVAL_08 | INITVAL_09 | INITVAL_0A | INITVAL_0B | INITVAL_0C | INITVAL_0D |
    INITVAL_0E | INITVAL_0F | INITVAL_10 | INITVAL_11 | INITVAL_12 | INITVAL_13 | INITVAL_14 |
    INITVAL_15 | INITVAL_16 | INITVAL_17 | INITVAL_18 | INITVAL_19 | INITVAL_1A | INITVAL_1B |
    INITVAL_1C | INITVAL_1D | INITVAL_1E | INITVAL_1F | INITVAL_20 | INITVAL_21 | INITVAL_22 |
    INITVAL_23 | INITVAL_24 | INITVAL_25 | INITVAL_26 | INITVAL_27 | INITVAL_28 | INITVAL_29 |
    INITVAL_2A | INITVAL_2B | INITVAL_2C | INITVAL_2D | INITVAL_2E | INITVAL_2F | INITVAL_30 |
    INITVAL_31 | INITVAL_32 | INITVAL_33 | INITVAL_34 | INITVAL_35 | INITVAL_36 | INITVAL_37 |
    INITVAL_38 | INITVAL_39 | INITVAL_3A | INITVAL_3B | INITVAL_3C | INITVAL_3D | INITVAL_3E |
    INITVAL_3F
  ) != 0) DP16KD_has_no_model_of_initial_contents refused();

  localparam lanes_a = DATA_WIDTH_A == 36 ? 4 : DATA_WIDTH_A == 18 ? 2 : 1;
  wire [13:0] ada = {
    ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
  };
  wire [10:0] byte_a = ada[13:3] & ~(lanes_a - 11'd1);
  wire [3:0] enables_a = lanes_a == 1 ? 4'b1 : ada[3:0];
  wire [2:0] shift_a = DATA_WIDTH_A < 9 ? ada[2:0] & ~(DATA_WIDTH_A - 3'd1) : 3'd0;
  localparam [8:0] word_a = DATA_WIDTH_A < 9 ? (9'd1 << DATA_WIDTH_A) - 9'd1 : 9'h1FF;
  wire [8:0] mask_a = word_a << shift_a;
  wire on_a = CEA && {CSA2, CSA1, CSA0} == 0 && !RSTA;
  localparam lanes_b = DATA_WIDTH_B == 36 ? 4 : DATA_WIDTH_B == 18 ? 2 : 1;
  wire [13:0] adb = {
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
  };
  wire [10:0] byte_b = adb[13:3] & ~(lanes_b - 11'd1);
  wire [3:0] enables_b = lanes_b == 1 ? 4'b1 : adb[3:0];
  wire [2:0] shift_b = DATA_WIDTH_B < 9 ? adb[2:0] & ~(DATA_WIDTH_B - 3'd1) : 3'd0;
  localparam [8:0] word_b = DATA_WIDTH_B < 9 ? (9'd1 << DATA_WIDTH_B) - 9'd1 : 9'h1FF;
  wire [8:0] mask_b = word_b << shift_b;
  wire on_b = CEB && {CSB2, CSB1, CSB0} == 0 && !RSTB;
  wire [17:0] dia = {
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0
  };
  wire [17:0] dib = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
    DIB3, DIB2, DIB1, DIB0
  };
  wire [35:0] data_a = {dib, dia};
  wire [35:0] data_b = {18'b0, dib};
  reg [8:0] bytes[0:2047];
  reg [35:0] qa = 0, qb = 0;
  initial for (integer i = 0; i < 2048; i++) bytes[i] = 0;

  function [8:0] seen_a(input [10:0] where);
    reg [10:0] lane;
    lane = where - byte_b;
    seen_a = bytes[where];
    if (on_b && WEB && lane < lanes_b && enables_b[lane[1:0]]) seen_a = ~seen_a;
  endfunction
  function [8:0] seen_b(input [10:0] where);
    reg [10:0] lane;
    lane = where - byte_a;
    seen_b = bytes[where];
    if (on_a && WEA && lane < lanes_a && enables_a[lane[1:0]]) seen_b = ~seen_b;
  endfunction

  always @(posedge CLKA)
    if (RSTA) qa <= 0;
    else if (on_a) begin
      for (integer i = 0; i < lanes_a; i++) begin
        if (WEA && enables_a[i])
          bytes[byte_a + i] <=
            bytes[byte_a + i] & ~mask_a | data_a[9 * i +: 9] << shift_a & mask_a;
        if (!WEA || WRITEMODE_A == "READBEFOREWRITE")
          qa[9 * i +: 9] <= seen_a(byte_a + i) >> shift_a & word_a;
        else if (WRITEMODE_A == "WRITETHROUGH" && enables_a[i])
          qa[9 * i +: 9] <= data_a[9 * i +: 9] & word_a;
      end
    end
  always @(posedge CLKB)
    if (RSTB) qb <= 0;
    else if (on_b) begin
      for (integer i = 0; i < lanes_b; i++) begin
        if (WEB && enables_b[i])
          bytes[byte_b + i] <=
            bytes[byte_b + i] & ~mask_b | data_b[9 * i +: 9] << shift_b & mask_b;
        if (!WEB || WRITEMODE_B == "READBEFOREWRITE")
          qb[9 * i +: 9] <= seen_b(byte_b + i) >> shift_b & word_b;
        else if (WRITEMODE_B == "WRITETHROUGH" && enables_b[i])
          qb[9 * i +: 9] <= data_b[9 * i +: 9] & word_b;
      end
    end
  if (RESETMODE != "SYNC") begin
    always @(posedge CLKA) if (RSTA) $error("DP16KD: no model of an asynchronous reset");
    always @(posedge CLKB) if (RSTB) $error("DP16KD: no model of an asynchronous reset");
  end
  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
    DOA3, DOA2, DOA1, DOA0
  } = lanes_b == 4 ? qb[17:0] : qa[17:0];
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
    DOB3, DOB2, DOB1, DOB0
  } = lanes_b == 4 ? qb[35:18] : qb[17:0];
endmodule
